"""From a learner's notebook to points: the pristine notebook with the learner's answers, run and judged."""

import sys

# nbformat imports jsonschema, and that imports rfc3987_syntax, if it is there, which builds a grammar for
# international addresses while it is imported: nine tenths of what `import nbformat` takes. No notebook has an address
# to check, and jsonschema does without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is how one says "not there"
