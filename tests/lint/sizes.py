"""A .c file has at most 800 lines, a function at most 80: split by noun."""

import tree

FILE_LINES = 800
FUNCTION_LINES = 80


def long_functions(text):
    """(line, length) of each function that is too long; clang-format puts its braces in column 0."""
    start = None
    for number, line in enumerate(text, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > FUNCTION_LINES:
                yield start, number - start - 1
            start = None


def main():
    complaints = []
    sources = tree.files(".c", ".h", folders=tree.SOURCE_FOLDERS)
    for path in sources:
        text = tree.lines(path)
        if path.endswith(".c") and len(text) - 1 > FILE_LINES:
            complaints.append(f"{path}:1: {len(text) - 1} lines, more than {FILE_LINES}")
        for number, length in long_functions(text):
            complaints.append(f"{path}:{number}: a function of {length} lines, more than {FUNCTION_LINES}")
    tree.report(complaints, sources)


main()
