#!/usr/bin/env bash
# test/lint/ascii.sh: what is installed and what is said is plain ASCII.  CREATE EXTENSION would fail in a database whose
# encoding does not have the other characters, and messages would be garbled.
set -euo pipefail
cd "$(dirname "$0")/../.."
if LC_ALL=C grep -nP '[^\x00-\x7F]' src/*.[ch] sql/*.sql hitl.control; then
	echo "not ASCII: CREATE EXTENSION or the messages would break in some encoding"
	exit 1
fi
