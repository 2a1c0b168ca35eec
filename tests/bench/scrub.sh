# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # json is that of bench
# How fast private memory is rewritten.  Sourced by bench.  scrub-bench.c says
# what its lines mean; it runs on the real CPU, in userspace, whose stores are the
# kernel's.

bench_scrub() {
	program=/out/tests/bench/scrub-bench
	status=0
	"$program" >/tmp/scrub || status=$?
	if [ $status = 77 ]; then
		printf '  cannot be measured here: %s\n' "$(cat /tmp/scrub)"
		printf '{"name":"scrub","measured":false,"why":"%s"}\n' "$(cat /tmp/scrub)" >>"$json"
		return
	fi
	[ $status = 0 ] || { echo "bench: scrub-bench failed with status $status" >&2; exit 1; }
	sed -n 's/^rate \(.*\)/\1/p' /tmp/scrub |
		awk '{ printf "{\"name\":\"scrub\",\"measured\":true,\"threads\":%d,\"variant\":\"%s\",\"chunk_kib\":%d,\"gb_s\":%s,\"of_linux\":%s,\"of_product\":%s}\n", $1, $2, $4, $5, $6, $7 }' >>"$json"
	# All that were not swept, and of the sweep the best of each number of threads.
	awk '
	$1 == "size" { printf "  %s thread(s), %s MiB%12s %10s %10s %12s\n", $2, $3, "chunk KiB", "GB/s", "of linux", "of tdx_reset" }
	function show(name) { printf "    %-22s %12d %10.2f %10.3f %12.3f\n", name, $5, $6, $7, $8 }
	$1 == "rate" && $4 == 0 { show($3) }
	$1 == "rate" && $4 == 1 {
		if (!($2 in best) || $6 > best[$2]) { best[$2] = $6; line[$2] = $0 }
		if ($2 > most) most = $2
	}
	$1 == "rate" && $2 == 1 && $3 == "tdx_reset" { one = $7 }
	END {
		for (t in line) {
			$0 = line[t]
			printf "  best of the sweep with %d thread(s), lines x pages:\n", t
			show($3)
			if (t == most) all = 1 / $8
		}
		printf "  one core: %.3f of linux (at least 1.3); all cores: %.3f of the best of the sweep (at least 0.95)\n", one, all
		exit !(one >= 1.3 && all >= 0.95)
	}' /tmp/scrub || { echo "bench: the scrub is slower than it must be" >&2; exit 1; }
}
