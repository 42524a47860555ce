# report.awk: min / median / max over the rounds of each measure and of its ratio to the floor of the same round.
# Input: measure clients value, round after round.
{ key = $1 " " $2; value[key, ++rounds[key]] = $3 }

function spread(values, n, decimals,    i, j, t, form) {
	for (i = 2; i <= n; i++) {
		t = values[i]
		for (j = i - 1; j >= 1 && values[j] > t; j--) values[j + 1] = values[j]
		values[j + 1] = t
	}
	form = "%." decimals "f"
	return sprintf(form " / " form " / " form, values[1], values[int((n + 1) / 2)], values[n])
}

# floor: the measure to compare with; "" for what is a ratio already
function line(label, measure, floor, clients,    n, i, v, r) {
	n = rounds[measure " " clients]
	for (i = 1; i <= n; i++) {
		v[i] = value[measure " " clients, i]
		if (floor != "") r[i] = v[i] / value[floor " " clients, i]
	}
	printf "%-44s %-24s %s\n", label, floor == "" ? "" : spread(v, n, 0), measure == floor ? "" : floor == "" ? spread(v, n, 2) : spread(r, n, 2)
}

END {
	printf "%-44s %-24s %s\n", "min / median / max over the rounds", "value", "ratio to the floor"
	for (c = 1; c <= 8; c += 7) {
		who = c == 1 ? "1 client" : c " clients"
		line("opened per s, " who ", by hand", "floor_open", "floor_open", c)
		line("opened per s, " who ", invoke", "open_here", "floor_open", c)
		line("opened per s, " who ", start + workers", "open_workers", "floor_open", c)
		line("resumed per s, " who ", by hand", "floor_resume", "floor_resume", c)
		line("resumed per s, " who ", resume", "resume_here", "floor_resume", c)
		line("resumed per s, " who ", approve + workers", "resume_workers", "floor_resume", c)
	}
	for (p = 50; p <= 99; p += 49) {
		line("decision to done, p" p " us, by hand", "floor_latency_p" p, "floor_latency_p" p, 1)
		line("decision to done, p" p " us, resume", "latency_here_p" p, "floor_latency_p" p, 1)
		line("decision to done, p" p " us, approve + workers", "latency_workers_p" p, "floor_latency_p" p, 1)
	}
	line("threads of 3 nodes per s, 1 client, by hand", "floor_line", "floor_line", 1)
	line("threads of 3 nodes per s, run_pending", "line_here", "floor_line", 1)
	line("threads of 3 nodes per s, 4 clients, by hand", "floor_line", "floor_line", 4)
	line("threads of 3 nodes per s, 4 executors", "line_workers", "floor_line", 4)
	line("super-steps per s of one thread, by hand", "floor_loop", "floor_loop", 1)
	line("super-steps per s of one thread, run_pending", "loop_here", "floor_loop", 1)
	line("super-steps per s of one thread, executor", "loop_workers", "floor_loop", 1)
	line("20 steps, 50 kB, a number changes: in states", "state_small", "", 1)
	line("20 steps, 50 kB, a message more: in states", "state_messages", "", 1)
}
