# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The cases that compare the tracker with the simulator, and the race, which asks the
# simulator what is left.  Sourced by case, which has the helpers.  The machine is
# stopped at random moments of TDs' lives and the tracker's map is read from its memory.
# shellcheck disable=SC2154 # why, vm_why, name, kernel are those of case and vm.sh

# Below N.  POSIX sh has no random numbers; the kernel has.
random() { od -An -N2 -tu2 /dev/urandom | awk -v n="$1" '{ print $1 % n }'; }
# nap MS: sleep for a random time below MS milliseconds.
nap() { sleep "$(random "$1" | awk '{ printf "%.3f", $1 / 1000 }')"; }

begin_samples() {
	taken=0 missing=0 most_over=0 partial=0 answer=
	: >$tmp/sim_pages
}

# One comparison; 1 if there is none.  Counts into taken, missing, most_over,
# partial; the simulator's pages go to $tmp/sim_pages.
sample() {
	_ok=0
	answer=$(vm_ctl superset "$map") || _ok=1
	case $answer in *'"sim_pages":'*) ;; *) bad "no comparison: $answer"; return 1 ;; esac
	missing=$((missing + _ok))
	echo "$answer" | number sim_pages >>$tmp/sim_pages
	over=$(($(echo "$answer" | number tracker_pages) - $(echo "$answer" | number sim_pages)))
	[ "$over" -le "$most_over" ] || most_over=$over
	[ "$(echo "$answer" | number coverage)" = 0 ] || partial=$((partial + 1))
	taken=$((taken + 1))
}

# As many samples as wanted; without the probes until a page is missing, which needs
# TDs that have some.
enough() { [ "$taken" -ge "$samples" ] && { [ "$1" = holds ] || [ "$missing" -gt 0 ]; }; }

# What the samples say; there must have been different ones, among those wanted.
end_samples() {
	distinct=$(sort -u $tmp/sim_pages | wc -l)
	echo "superset: $taken samples, $distinct different sizes, $missing with a page missing, at most $most_over pages too many, $partial with partial coverage; last: $answer"
	[ "$distinct" -ge $((${samples:-$taken} / 4)) ] || bad "only $distinct different sets in $taken samples"
	case $1 in
	holds) expect_zero "samples with a page missing" "$missing" ;;
	broken) expect_some "samples with a page missing, without the probes" "$missing" ;;
	esac
}

# Pages on their way in or out at the moment of a sample: a few a CPU.
expect_few_over() {
	[ "$1" != holds ] || [ "$most_over" -le 64 ] || bad "the tracker held $most_over pages too many"
}

# Unknown calls, or an update, would be the reason; here there are none.
expect_complete() {
	[ "$1" != holds ] || expect_zero "samples with partial coverage" "$partial"
}

find_map() { grep -a -m 1 -o '^VM-MAP: 0x[0-9a-f]*' "$(vm_log)" | cut -d' ' -f2; }
ended() { grep -a -q "^VM-$1: end\|^VM-RESULT: " "$(vm_log)"; }

case_superset() {
	samples=$1 expect=$2; shift 2
	vm_start "$name" "$kernel" 2 2048 sys_disable=absent,seamcalls=unlogged t.run=churn t.stay=1 "$@"
	vm_wait '^VM-CHURN: begin' 60 || { bad "$vm_why"; finish; }
	map=$(find_map)
	begin_samples
	while ! enough "$expect" && ! ended CHURN; do
		nap 256
		sample || finish
	done
	[ "$taken" -ge "$samples" ] || bad "only $taken of $samples samples before the TDs' end: $(grep -a VM-RESULT "$(vm_log)")"
	end_samples "$expect"
	expect_few_over "$expect"
	expect_complete "$expect"
	finish
}

# Processes with TDs come, go and are killed; at the end only the PAMT is left,
# for the simulator and for the tracker.
case_cycles() {
	expect=$1; shift
	vm_start "$name" "$kernel" 4 2048 sys_disable=absent,seamcalls=unlogged t.run=cycles t.stay=1 \
		t.vcpus=4 t.mib=64 "$@"
	vm_wait '^VM-CYCLES: begin' 60 || { bad "$vm_why"; finish; }
	map=$(find_map)
	begin_samples
	while ! ended CYCLES && vm_running; do
		nap 1000
		sample || finish
	done
	vm_result 5 || bad "$vm_why"
	end_samples "$expect"
	expect_few_over "$expect"
	expect_complete "$expect"
	grep -a '^VM-NOTE: .* lives' "$(vm_log)" || :
	[ "$expect" = holds ] || finish
	counts=$(vm_ctl counts)
	pamt=$(echo "$counts" | number PAMT)
	vm_ctl superset "$map" >$tmp/last || bad "a page is missing at the end: $(cat $tmp/last)"
	echo "cycles: at the end $(echo "$counts" | number private_pages) private pages, $pamt of them PAMT, $(echo "$counts" | number dirty_pages) dirty; tracker $(number tracker_pages <$tmp/last)"
	expect_some "PAMT pages" "$pamt"
	expect_zero "private pages outside PAMT" $(($(echo "$counts" | number private_pages) - pamt))
	expect_zero "dirty pages" "$(echo "$counts" | number dirty_pages)"
	[ "$(number tracker_pages <$tmp/last)" = "$pamt" ] || bad "the tracker holds other than the $pamt PAMT pages"
	grep -a -q "^VM-CYCLES: end $pamt" "$(vm_log)" || bad "private_pages in sysfs is another number: $(grep -a '^VM-CYCLES: end' "$(vm_log)")"
	finish
}

# While the guest waits: what is there besides the PAMT?
case_race() {
	expect=$1; shift
	reset=1
	[ "$expect" = clean ] || reset=0
	vm_start "$name" "$kernel" 2 2048 sys_disable=absent t.run=unlock-race "t.reset=$reset" "$@"
	vm_wait '^VM-RACE: destroyed\|^VM-RESULT: ' 180 || { bad "$vm_why"; finish; }
	grep -a '^VM-RESULT: ' "$(vm_log)" >&2 && { bad "the race was not run"; finish; }
	counts=$(vm_ctl counts) || { bad "the simulator does not answer"; finish; }
	[ "$(echo "$counts" | number epoch)" = 1 ] || { bad "asked too late, the next kernel runs"; finish; }
	outside=$(($(echo "$counts" | number private_pages) - $(echo "$counts" | number PAMT)))
	dirty=$(echo "$counts" | number dirty_pages)
	echo "race: $outside private pages outside the PAMT, $dirty dirty pages"
	expect_zero "private pages outside the PAMT" "$outside"
	if [ "$expect" = dirty ]; then
		expect_some "dirty pages" "$dirty"
		finish
	fi
	expect_zero "dirty pages" "$dirty"
	vm_result 180 || bad "the next kernel did not finish: $vm_why"
	expect_zero "inherited private and dirty lines" "$(jump_event 2 | number owned_lines)"
	expect_zero "machine checks" "$(events mce)"
	expect_zero "pages left at the hand-off" "$(handoff left)"
	finish
}

# --- SEAMCALLs that fail -------------------------------------------------------------

# Statuses that every leaf gets, the harmful ones last: KVM keeps the KeyID of a
# TD that it could not end.  OPERAND_BUSY, RND_NO_ENTROPY, OPERAND_INVALID of
# RCX, and one that says error, not recoverable, fatal (TD_FATAL).
fault_statuses='0x8000020000000000 0x8000020300000000 0xc000010000000001 0xe000060400000000'
# Leaves that may say INTERRUPTED_RESUMABLE: CACHE.WB, of those KVM calls.
fault_resumable='40 0x8000000300000000'

# leaves: NR NAME CALLS INJECTED of each leaf called so far that a TD's life
# needs, not those that bring the platform up or only look at pages.
leaves() {
	vm_ctl calls | tr '{' '\n' |
		sed -n 's/"nr":\([0-9]*\),"leaf":"\([^"]*\)","calls":\([0-9]*\),"injected":\([0-9]*\).*/\1 \2 \3 \4/p' |
		grep -v -e ' TDH.SYS' -e ' TDH.PHYMEM.PAGE.RDMD'
}
injected() { leaves | awk -v nr="$1" '$1 == nr { n = $4 } END { print n + 0 }'; }
seamcalls() { vm_ctl stats | number seamcalls; }

fault_vm() {
	vms=$((vms + 1))
	vm_start "$name-$vms" "$kernel" 2 2048 sys_disable=absent,seamcalls=unlogged \
		t.run=churn t.stay=1 t.faults=1 t.seconds=3000 t.tds=2 t.mib=4 t.vcpus=2 "$@"
	vm_wait '^VM-CHURN: begin' 60 || { bad "$vm_why"; return 1; }
	map=$(find_map)
	[ ! -s $tmp/plan ] || return 0
	# Every leaf of a life was called: one has ended, and there are no new ones.
	_left=$((60 * VM_SLOW)) _leaves=0
	until leaves | grep -q ' TDH.MNG.KEY.FREEID ' && [ "$(leaves | wc -l)" = $_leaves ]; do
		_left=$((_left - 1)) _leaves=$(leaves | wc -l)
		[ $_left -gt 0 ] || { bad "no TD's life has ended"; return 1; }
		sleep 1
	done
	for _s in $fault_statuses; do
		leaves | sed "s/ .*/ $_s/"
	done >$tmp/plan
	echo "$fault_resumable" >>$tmp/plan
}

# The VM's last words: how often which fault was given, why coverage went.
fault_vm_end() {
	leaves | awk '{ print $2, $4 }' >>$tmp/given
	grep -a -o 'coverage is partial: [^;]*' "$(vm_log)" | tr -d '\r' >>$tmp/reasons || :
	[ "$(echo "$answer" | number coverage)" = 0 ] || grep -a -q 'coverage is partial: ' "$(vm_log)" ||
		bad "coverage is partial without a reason in the log"
	ended CHURN && bad "kvm-td did not go on: $(grep -a '^VM-RESULT' "$(vm_log)")"
	vm_running || bad "the guest died: $(tail -n 3 "$(vm_log)")"
	vm_end
}

# fault LEAF STATUS COUNT AFTER: make it fail, compare when it has and a moment
# later.  1 when TDs have come to an end, as KVM has no KeyID left.
fault() {
	_given=$(injected "$1") _calls=$(seamcalls) _i=0
	vm_ctl inject "$1" "$2" "$3" "$4" >/dev/null
	while [ "$(injected "$1")" = "$_given" ] && [ $_i -lt 30 ]; do _i=$((_i + 1)); sleep 0.1; done
	[ $_i -lt 30 ] || unmet=$((unmet + 1))
	sample || finish
	nap 300
	sample || finish
	vm_running && [ "$(seamcalls)" != "$_calls" ]
}

case_superset_inject() {
	samples=$1 expect=$2; shift 2
	vms=0 unmet=0 planned=1
	begin_samples
	: >$tmp/plan; : >$tmp/given; : >$tmp/reasons
	while [ "$taken" -lt "$samples" ] && [ -z "$why" ]; do
		fault_vm "$@" || finish
		while [ "$taken" -lt "$samples" ]; do
			# Each leaf with each status in turn, then any.
			total=$(wc -l <$tmp/plan)
			if [ $planned -le "$total" ]; then
				line=$planned planned=$((planned + 1)) count=$(($(random 3) + 1)) after=$(random 4)
			else
				line=$(($(random "$total") + 1)) count=$(($(random 12) + 1)) after=$(random 50)
			fi
			# shellcheck disable=SC2046
			fault $(sed -n "${line}p" $tmp/plan) "$count" "$after" || break
		done
		fault_vm_end
	done
	end_samples "$expect"
	expect_few_over "$expect"
	echo "faults given: $(awk '{ n[$1] += $2 } END { for (l in n) printf "%s %d, ", l, n[l] }' $tmp/given)$unmet not met within 3 s; $vms VMs"
	echo "coverage lost in $(wc -l <$tmp/reasons) cases: $(sort $tmp/reasons | uniq -c | tr -s ' \n' ' ')"
	if [ "$expect" = holds ]; then
		[ "$planned" -gt "$(wc -l <$tmp/plan)" ] || bad "only $planned of $(wc -l <$tmp/plan) faults in turn"
		_never=$(awk '{ n[$1] += $2 } END { for (l in n) if (!n[l]) print l }' $tmp/given)
		[ -z "$_never" ] || bad "never made to fail: $_never"
	fi
	finish
}
