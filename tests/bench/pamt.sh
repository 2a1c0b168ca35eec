# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # json, vm_why and vm_name are those of bench and vm.sh
# The ways to get PAMT memory, on memory that is in pieces.  Sourced by bench.
# The scenario own-pamt says what it does; times are those of an emulated CPU.

pamt_loads=none,cache,unmovable:50,unmovable:90,pins:90
# What was taken before does not depend on what happens to memory afterwards.
pamt_early_loads=unmovable:90,pins:90

# 8 GiB of guest memory, all of it used, where there is so much; else 6.
pamt_sizes() {
	awk '$1 == "MemAvailable:" { print ($2 > 10 * 1048576 ? "2048 4096 8192" : "2048 4096 6144") }' /proc/meminfo
}

# pamt_boot KERNEL MIB WAYS LOADS TRIES: its lines go to /tmp/pamt, with KERNEL and
# MIB.  A VM whose timer does not tick at boot (QEMU on a busy machine) is started
# again.  TCG clears pages much faster without byte-wise string instructions.
pamt_boot() {
	for _again in 1 2 3; do
		# shellcheck disable=SC2034 # both for vm_start
		VM_LIMIT=2400 VM_CPU=erms=off,fsrm=off
		vm_start "pamt-$1-$2-$(echo "$3" | cut -d, -f1)" "$1" 2 "$2" sys_disable=absent,seamcalls=unlogged \
			t.run=own-pamt t.stay=1 "t.ways=$3" "t.loads=$4" "t.tries=$5" cma=128M
		vm_wait '^VM-START: ' 90 && break
		vm_end
	done
	vm_ctl inject 45 0xc000010000000001 10000 0 >/dev/null
	vm_result 2100 >/dev/null || { echo "bench: $(grep -a '^VM-RESULT' "$(vm_log)") ${vm_why:-}; see $(vm_log)" >&2; exit 1; }
	vm_end
	grep -a '^VM-PAMT: ' "$(vm_log)" | tr -d '\r' | sed "s/^VM-PAMT:/$1 $2/" >>/tmp/pamt
	printf '\r  %s, %d MiB, %s: done  ' "$1" "$2" "$3" >&2
}

# Lines: KERNEL MIB WAY LOAD TRY OUTCOME GOT WANTED US BLOCKS-HIT BLOCKS FREE-KIB
bench_pamt() {
	: >/tmp/pamt
	for mib in $(pamt_sizes); do
		pamt_boot stock-backports "$mib" contig,cma $pamt_loads 3
		pamt_boot stock-backports "$mib" early $pamt_early_loads 2
	done
	# Pieces of 4 MiB, of the page allocator.
	pamt_boot stock-stable 4096 contig $pamt_loads 2
	printf '\r%60s\r' '' >&2
	awk '
	function middle(list,  n, v, i, j, t) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return n ? v[int((n + 1) / 2)] : 0
	}
	{
		key = $1 " " $2 " " $3 " " $4
		if (!(key in tries)) order[++n] = key
		tries[key]++
		ok[key] += $6 == "got"
		# "-": nothing was taken then, there is nothing to measure
		if ($9 != "-") us[key] = us[key] " " $9
		got[key] = got[key] " " $7
		hit[key] = hit[key] " " ($11 ? 100 * $10 / $11 : 0)
		if ($8) wanted[$1 " " $2] = $8
	}
	END {
		for (i = 1; i <= n; i++) {
			split(order[i], k, " ")
			printf "%s %d %s %s %d %d %s %d %d %d\n", k[1], k[2], k[3], k[4], ok[order[i]], tries[order[i]],
				order[i] in us ? sprintf("%.1f", middle(us[order[i]]) / 1000) : "-",
				middle(got[order[i]]), wanted[k[1] " " k[2]], middle(hit[order[i]])
		}
	}' /tmp/pamt >/tmp/pamt-table
	printf '  %-16s %5s %-7s %-13s %7s %10s %12s %12s %10s\n' kernel MiB pamt= memory success ms 'KiB got' 'KiB wanted' 'blocks hit'
	awk '{ printf "  %-16s %5d %-7s %-13s %3d of %d %10s %12d %12d %8d %%\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }' /tmp/pamt-table
	awk '{ printf "{\"name\":\"pamt\",\"kernel\":\"%s\",\"mib\":%d,\"pamt\":\"%s\",\"load\":\"%s\",\"succeeded\":%d,\"tries\":%d,\"ms\":%s,\"got_kib\":%d,\"wanted_kib\":%d,\"blocks_hit_percent\":%d}\n", $1, $2, $3, $4, $5, $6, $7 == "-" ? "null" : $7, $8, $9, $10 }' /tmp/pamt-table >>"$json"
	# Whatever the way, an outcome is all of the memory or none.
	awk '$6 == "got" && $7 != $8 { bad = 1 } END { exit bad }' /tmp/pamt ||
		{ echo "bench: a try is called a success with less memory than wanted" >&2; exit 1; }
}
