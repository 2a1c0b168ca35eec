# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # vm_name, vm_why and json are those of vm.sh and bench
# What the component costs while it watches.  Sourced by bench, which has the
# helpers.  Instructions are the guest's, counted by the simulator; they do not
# depend on how busy the machine is.

# aug_distances: from one TDH.MEM.PAGE.AUG to the next on the same vCPU with no
# other SEAMCALL in between, in instructions, one a line.
aug_distances() {
	awk '/"ev":"seamcall"/ {
		cpu = $0; sub(/.*"cpu":/, "", cpu); sub(/,.*/, "", cpu)
		n = $0; sub(/.*"instructions":/, "", n); n += 0
		aug = /"leaf":"TDH.MEM.PAGE.AUG"/
		if (aug && cpu in last) print n - last[cpu]
		if (aug) last[cpu] = n; else delete last[cpu]
	}' "$VM_DIR/$vm_name/events.jsonl"
}

# Two VMs, the same run of kvm-td: with the component and without.
bench_watch_cost() {
	printf '  %12s %10s %12s %12s\n' 'tdx_reset' 'AUGs' 'median' 'mean'
	for reset in 0 1; do
		vm_start "watch-cost-$reset" tdxhost 2 2048 sys_disable=absent,count=on \
			t.run=tds "t.reset=$reset" t.mib=64 t.vcpus=2
		vm_result 120 >/dev/null || { echo "bench: $vm_why; see $(vm_log)" >&2; exit 1; }
		vm_end
		aug_distances >/tmp/augs
		augs=$(wc -l </tmp/augs)
		[ "$augs" -ge 1000 ] || { echo "bench: only $augs TDH.MEM.PAGE.AUG in $VM_DIR/$vm_name/events.jsonl" >&2; exit 1; }
		median=$(median </tmp/augs)
		mean=$(awk '{ n += $1 } END { printf "%.0f", n / NR }' /tmp/augs)
		printf '  %12s %10d %12s %12s\n' "$([ $reset = 1 ] && echo with || echo without)" "$augs" "$median" "$mean"
		eval "median_$reset=$median mean_$reset=$mean augs_$reset=$augs"
	done
	printf '  %12s %10s %12s %12s   instructions per TDH.MEM.PAGE.AUG; ratio of the medians %s\n' difference '' \
		$((median_1 - median_0)) $((mean_1 - mean_0)) "$(ratio "$median_1" "$median_0")"
	printf '{"name":"watch-cost","without":{"augs":%d,"median":%s,"mean":%s},"with":{"augs":%d,"median":%s,"mean":%s},"ratio":%s}\n' \
		"$augs_0" "$median_0" "$mean_0" "$augs_1" "$median_1" "$mean_1" "$(ratio "$median_1" "$median_0")" >>"$json"
}

# All vCPUs' instructions so far.
instructions() {
	vm_ctl instructions | sed 's/.*\[//; s/\].*//' | tr , '\n' | awk '{ n += $1 } END { printf "%d", n }'
}

# work_instructions LABEL: of one run of the work in scenario work.
work_instructions() {
	vm_wait "^VM-WORK: begin $1" 60 || { echo "bench: $vm_why" >&2; exit 1; }
	_before=$(instructions)
	vm_wait "^VM-WORK: end $1" 120 || { echo "bench: $vm_why" >&2; exit 1; }
	echo $(($(instructions) - _before))
}

# The same work on a kernel without TDX, in turn without and with the module,
# in one VM.  What two runs without it differ by is the noise to compare with.
bench_no_tdx_cost() {
	rounds=5 label=without-1
	: >/tmp/with; : >/tmp/noise; : >/tmp/each
	vm_start no-tdx-cost stock-backports 1 2048 count=on t.run=work "t.rounds=$rounds"
	work_instructions warm >/dev/null
	without=$(work_instructions $label)
	i=1
	while [ $i -le $rounds ]; do
		with=$(work_instructions "with-$i")
		i=$((i + 1))
		after=$(work_instructions "without-$i")
		# Against the mean of the runs before and after it: a drift cancels.
		awk -v w="$with" -v b="$without" -v a="$after" 'BEGIN { printf "%.5f\n", 2 * w / (a + b) }' >>/tmp/with
		awk -v b="$without" -v a="$after" 'BEGIN { printf "%.5f\n", (a > b ? a / b : b / a) }' >>/tmp/noise
		echo "$without" >>/tmp/each
		without=$after
		printf '\r  round %d of %d' $((i - 1)) $rounds >&2
	done
	printf '\r%20s\r' '' >&2
	vm_result 60 >/dev/null || { echo "bench: $vm_why; see $(vm_log)" >&2; exit 1; }
	vm_end
	printf '  %s instructions of work; with the module / without: %s (from %s to %s in %d rounds); two runs without differ by a factor of %s\n' \
		"$(median </tmp/each)" "$(median </tmp/with)" "$(sort -n /tmp/with | head -n 1)" \
		"$(sort -n /tmp/with | tail -n 1)" $rounds "$(median </tmp/noise)"
	printf '{"name":"no-tdx-cost","instructions":%s,"ratio":%s,"noise":%s,"rounds":%d}\n' \
		"$(median </tmp/each)" "$(median </tmp/with)" "$(median </tmp/noise)" $rounds >>"$json"
}

# The component's own line on its search at load.
search_line() {
	grep -a 'tdx_reset: search: ' "$(vm_log)" | tail -n 1 | tr -d '\r'
}

# Late load with TDs alive: 1, 2 and 4 CPUs, 2 and 6 GiB, most of it in use, each three times.  The
# machine may have fewer CPUs than the VM, or be busy: the quickest run is the
# one it disturbed least.  Which part of the pages the busiest CPU asked for (the
# median) tells how the work is shared out.
bench_sweep() {
	# The search asks for pages that are in use; what is filled is.
	runs=3
	printf '  %4s %8s %10s %12s %12s %10s %22s\n' CPUs 'RAM MiB' private 'quickest ms' 'median ms' asked 'share of the busiest'
	for point in '1 2048 1024' '2 2048 1024' '4 2048 1024' '1 6144 4096' '2 6144 4096' '4 6144 4096'; do
		# shellcheck disable=SC2086
		set -- $point
		: >/tmp/sweeps
		run=1
		while [ $run -le $runs ]; do
			vm_start "sweep-$1-$2-$run" tdxhost "$1" "$2" sys_disable=absent,seamcalls=unlogged \
				t.run=late t.stay=1 t.tds=2 t.mib=32 "t.fill=$3"
			vm_result 120 >/dev/null || { echo "bench: $vm_why; see $(vm_log)" >&2; exit 1; }
			line=$(search_line)
			truth=$(vm_ctl counts | sed 's/.*"private_pages":\([0-9]*\).*/\1/')
			vm_end
			echo "$line" | sed -n 's/.*search: \([0-9]*\) private pages .* in \([0-9]*\) ms on [0-9]* CPUs*, \([0-9]*\) pages asked, at most \([0-9]*\) by one CPU.*/\2 \1 \3 \4/p' >>/tmp/sweeps
			[ "$(wc -l </tmp/sweeps)" = "$run" ] ||
				{ echo "bench: no line of the search that can be read in $(vm_log): ${line:-none}" >&2; exit 1; }
			[ "$(tail -n 1 /tmp/sweeps | cut -d' ' -f2)" = "$truth" ] ||
				{ echo "bench: the search did not find the $truth private pages there are: $line" >&2; exit 1; }
			run=$((run + 1))
		done
		quickest=$(cut -d' ' -f1 /tmp/sweeps | sort -n | head -n 1)
		middle=$(cut -d' ' -f1 /tmp/sweeps | median)
		asked=$(cut -d' ' -f3 /tmp/sweeps | median)
		share=$(awk '{ printf "%.3f\n", $4 / $3 }' /tmp/sweeps | median)
		printf '  %4d %8d %10d %12d %12s %10s %22s\n' "$1" "$2" "$truth" "$quickest" "$middle" "$asked" "$share"
		printf '{"name":"sweep","cpus":%d,"ram_mib":%d,"private_pages":%d,"quickest_ms":%d,"median_ms":%s,"asked":%s,"share":%s,"runs":%d}\n' \
			"$1" "$2" "$truth" "$quickest" "$middle" "$asked" "$share" $runs >>"$json"
	done
}
