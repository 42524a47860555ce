# test/lint/code.awk: C sources as file:line:code, without their comments.
FNR == 1 { inside = 0 }
{
	text = $0; code = ""
	while (text != "") {
		if (inside) {
			end = index(text, "*/")
			if (!end) break
			text = substr(text, end + 2); inside = 0
		} else if (match(text, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\/.*|\/\*/)) {
			token = substr(text, RSTART, RLENGTH)
			code = code substr(text, 1, RSTART - 1)
			text = substr(text, RSTART + RLENGTH)
			if (token == "/*") inside = 1
			else if (token !~ /^\/\//) code = code token
		} else { code = code text; break }
	}
	if (code !~ /^[ \t]*$/) print FILENAME ":" FNR ":" code
}
