# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The cases that compare tracepoints with the simulator.  Sourced by case, which
# has the helpers.
# shellcheck disable=SC2154 # why, vm_why, name, kernel are those of case and vm.sh

# LEAF PFN of each SEAMCALL that may take a page, from the event log, sorted.
# Control pages are named in RCX, others in R8.
taking_calls() {
	sed -n -e 's/.*"leaf":"\(TDH.MNG.CREATE\|TDH.MNG.ADDCX\|TDH.VP.CREATE\|TDH.VP.ADDCX\)".*"rcx":"0x\([0-9a-f]*\)[0-9a-f]\{3\}".*/\1 \2/p' \
		-e 's/.*"leaf":"\(TDH.MEM.SEPT.ADD\|TDH.MEM.PAGE.ADD\|TDH.MEM.PAGE.AUG\)".*"r8":"0x\([0-9a-f]*\)[0-9a-f]\{3\}".*/\1 \2/p' \
		"$VM_DIR/$vm_name/events.jsonl" | LC_ALL=C sort
}

# case trace EXPECT [PARAM...]	EXPECT: same | other (the probes are taken away)
case_trace() {
	expect=$1; shift
	vm_start "$name" "$kernel" 2 2048 sys_disable=absent t.run=trace "$@"
	vm_result 120 || bad "$vm_why"
	# shellcheck disable=SC2046
	set -- $(grep -a '^VM-TRACE: ' "$(vm_log)" | tr -d '\r')
	[ $# = 5 ] || { bad "the guest told nothing of its trace"; finish; }
	calls=$(taking_calls | wc -l) sum=$(taking_calls | md5sum | cut -c1-32)
	echo "trace: $2 tdx_set events, $4 pages entered, $5 left; $calls SEAMCALLs; checksums $3 and $sum"
	expect_some "SEAMCALLs that take a page" "$calls"
	if [ "$expect" = other ]; then
		[ "$3" != "$sum" ] || bad "the trace is complete without the probes"
		finish
	fi
	expect_some "pages that entered" "$4"
	expect_some "pages that left" "$5"
	[ "$2 $3" = "$calls $sum" ] || bad "the trace does not name the same leaves and pages as the simulator"
	finish
}

# The end of a kexec with tdx_scrub and tdx_handoff on the console (tp_printk):
# every page of the parallel pass is in the trace, once.
expect_traced_scrub() {
	case " $* " in *" t.trace=1 "*) ;; *) return 0 ;; esac
	_traced=$(grep -a -o 'tdx_scrub: pfn=.*' "$(vm_log)" | sed 's/.* nr=\([0-9]*\).*/\1/' | awk '{ n += $1 } END { print n + 0 }')
	_told=$(grep -a 'private pages rewritten by' "$(vm_log)" | sed -n 's/.*hand-off: \([0-9]*\) of.*/\1/p')
	_last=$(grep -a -o 'tdx_handoff: .*' "$(vm_log)" | sed -n 's/.* scrubbed=\([0-9]*\) .*/\1/p')
	expect_some "pages in tdx_scrub events" "$_traced"
	if [ "$_traced" != "$_told" ] || [ "$_last" != "$_told" ]; then
		bad "the parallel pass rewrote ${_told:-no} pages, tdx_scrub told of $_traced, tdx_handoff of ${_last:-none}"
	fi
	echo "trace: $_traced pages in $(grep -a -c 'tdx_scrub: pfn=' "$(vm_log)") tdx_scrub events; $(grep -a -o 'tdx_handoff: .*' "$(vm_log)" | tr -d '\r')"
}
