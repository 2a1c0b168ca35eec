# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # json, vm_why and vm_name are those of bench and vm.sh
# What the tracker costs.  Sourced by bench.  tracker-bench.c says what its lines
# mean; it runs on the real CPU, in userspace.

bench_tracker() {
	program=/out/tests/bench/tracker-bench
	[ -x "$program" ] || { echo "bench: no $program; configure --with-linux-source" >&2; exit 1; }
	"$program" >/tmp/tracker || { echo "bench: tracker-bench failed with status $?" >&2; exit 1; }
	awk '
	$1 == "pair" {
		ns[$2, $3] = $4
		base = $2 ~ /bitmap/ ? "plain-bitmap" : "plain-xarray"
		printf "  set+clear  %-14s %d thread(s) %8.1f ns   %5.2f of %s\n", $2, $3, $4, $4 / ns[base, $3], base
	}
	$1 == "next" { printf "  next range %-8s %3d TiB %3d %% private %10d ns   all: %10.2f ms, %d ranges\n", $2, $3, $4, $5, $6, $7 }
	$1 == "memory" { printf "  memory     %-8s 1 TiB, %-14s %8.1f MiB\n", $2, $3, $4 }
	' /tmp/tracker
	awk '
	$1 == "pair" { printf "{\"name\":\"tracker-pair\",\"structure\":\"%s\",\"threads\":%d,\"ns\":%s}\n", $2, $3, $4 }
	$1 == "next" { printf "{\"name\":\"tracker-next\",\"backend\":\"%s\",\"tib\":%d,\"percent\":%d,\"ns\":%s,\"walk_ms\":%s,\"ranges\":%d}\n", $2, $3, $4, $5, $6, $7 }
	$1 == "memory" { printf "{\"name\":\"tracker-memory\",\"backend\":\"%s\",\"what\":\"%s\",\"mib_per_tib\":%s}\n", $2, $3, $4 }
	' /tmp/tracker >>"$json"
}

# What the two ways that were set aside cost a stock kernel, in a VM: counts are
# the kernel's; times under emulation only compare with each other.
bench_pte_mark() {
	printf '  %-6s %6s %6s %14s %18s %10s %10s %8s\n' how MiB order 'prepare us' 'mark+unmark ns' 'splits 2M' 'splits 1G' IPIs
	for point in 'pte 256 0' 'pte 512 0' 'pte 256 9' 'page 256 0' 'page 256 9'; do
		# shellcheck disable=SC2086
		set -- $point
		vm_start pte-mark stock-backports 2 4096 '' t.run=pte-mark "t.how=$1" "t.mark=$2" "t.order=$3"
		vm_result 120 >/dev/null || { echo "bench: $vm_why; see $(vm_log)" >&2; exit 1; }
		vm_end
		# shellcheck disable=SC2046
		set -- "$@" $(grep -a '^VM-PTE-MARK' "$(vm_log)" | tr -d '\r' | sed -n 's/.*: \([0-9]*\) pages.*prepare \([0-9]*\) ns, mark and unmark \([0-9]*\) ns.*wrong, \([0-9]*\) splits of 2M, \([0-9]*\) splits of 1G, \([0-9]*\) IPIs.*/\1 \2 \3 \4 \5 \6/p')
		[ $# = 9 ] || { echo "bench: no numbers in $(vm_log)" >&2; exit 1; }
		printf '  %-6s %6d %6d %14d %18s %10d %10d %8d\n' "$1" "$2" "$3" $(($5 / 1000)) "$(ratio "$6" "$4")" "$7" "$8" "$9"
		printf '{"name":"pte-mark","how":"%s","mib":%d,"order":%d,"pages":%d,"prepare_ns":%d,"mark_ns":%d,"splits_2m":%d,"splits_1g":%d,"ipis":%d}\n' \
			"$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" >>"$json"
	done
}
