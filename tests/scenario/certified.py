"""The lab's configuration, made one by certificates."""


def certified(text, method, identifier="GW"):
    """The lab's configuration, by certificates. text: with curly braces."""
    before, _, rest = text.partition("pre-shared-key ascii-text")
    rest = rest.partition(";")[2]
    text = before + """certificate {
                local-certificate """ + identifier + """;
                trusted-ca {
                    ca-profile Root;
                }
            }""" + rest
    text = text.replace("authentication-method pre-shared-keys", f"authentication-method {method}")
    return text + "\nsecurity { pki { ca-profile Root { ca-identity Root; revocation-check { disable; } } } }\n"
