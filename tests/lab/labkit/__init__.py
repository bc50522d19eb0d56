"""A world for scenarios and people: nodes, a peer, a host inside, and the links between them.

Start reading at world.py. Only python's standard library; root is needed for the namespaces.
"""
