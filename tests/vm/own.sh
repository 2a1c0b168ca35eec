# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The cases of own mode that look at the enablement from outside.  Sourced by
# case, which has the helpers; $KERNEL is a stock kernel.
# shellcheck disable=SC2154 # why, vm_why, name, kernel are those of case and vm.sh

# Leaves of the enablement: NUMBER NAME AFTER; a fault comes after so many calls.
enable_leaves='33 TDH.SYS.INIT 0
35 TDH.SYS.LP.INIT 1
34 TDH.SYS.RD 3
45 TDH.SYS.CONFIG 0
31 TDH.SYS.KEY.CONFIG 0
36 TDH.SYS.TDMR.INIT 1'

# attempt WORD: of the last attempt told by the guest, in a whole line: number,
# result, map, private pages, coverage.
attempt() { { echo '0 - - - -'; sed -n 's/^VM-ENABLE: \(.*\)\r$/\1/p' "$(vm_log)"; } | tail -n 1 | cut -d' ' -f"$1"; }

# The attempt that has begun last.
begun() { grep -a '^VM-ATTEMPT: ' "$(vm_log)" | tail -n 1 | tr -d '\r' | cut -d' ' -f2; }

go_on() { vm_ctl cont >/dev/null || bad "the simulator does not answer"; }

# In the pause after an attempt, the machine stopped; it goes on afterwards: the
# tracker holds what the simulator has made private, and all of the PAMT from
# TDH.SYS.CONFIG on.  If the next attempt had begun, only the first is certain.
compare_attempt() {
	at=$(attempt 1) map=$(attempt 3) next=$(begun)
	[ "$map" != 0x0 ] || { go_on; return 0; }
	configured=0
	[ "$(called TDH.SYS.CONFIG)" -le "$(given 45)" ] || configured=1
	# It stops the machine and lets it go on, also if it cannot compare.
	answer=$(vm_ctl superset "$map") || bad "attempt $at: a page is missing in the tracker: $answer"
	case $answer in *'"sim_pages":'*) ;; *) bad "no comparison: $answer"; go_on; return 0 ;; esac
	sim=$(echo "$answer" | number sim_pages) tracked=$(echo "$answer" | number tracker_pages)
	[ "$next" = "$at" ] || { echo "attempt $at: attempt $next came too early to compare"; return 0; }
	if [ $configured = 1 ]; then
		expect_some "attempt $at: pages in the tracker after TDH.SYS.CONFIG" "$tracked"
	else
		expect_zero "attempt $at: pages in the tracker before TDH.SYS.CONFIG" "$tracked"
		expect_zero "attempt $at: private pages before TDH.SYS.CONFIG" "$sim"
	fi
	compared=$((compared + 1))
}

# wait_boot: the kernel boots; what is injected now is there before it calls TDX.
# At VM-START there may be a second left.
wait_boot() { vm_wait 'Linux version' 150 || { bad "$vm_why"; finish; }; }

called() { leaf_number "$1" calls; }
given() { leaf_number "$1" injected; }

# with_status STATUS[,STATUS...]: the leaves with the status of each behind it; the
# last one is for all that are left.
with_status() {
	echo "$enable_leaves" | awk -v list="$1" '
		BEGIN { n = split(list, status, ",") } { print $0, status[NR < n ? NR : n] }'
}

# Why a step failed and what tdx_enable() returned, as STATUS|TEXT|ERROR.  As it is
# documented, where STATUS is what a status begins with, or "any other":
causes_documented() {
	sed -n 's/^| \(0x[0-9a-f]*\|any other\) | \(.*\) | \(-[0-9]*\) ([A-Z]*) |$/\1|\2|\3/p' /src/Documentation/tdx_reset.md
}
# As the log says it: an attempt may end with several such lines before its result,
# and several attempts may end before td-user tells what a caller got (the scenario
# repeats its line).
causes_logged() {
	tr -d '\r' <"$(vm_log)" | awk '!seen[$0]++' | sed -n -e 's/.*tdx_reset: enable: TDH.* on CPU [0-9]*: status \(0x[0-9a-f]*\): \(.*\)/step \1|\2/p' \
		-e 's/.*tdx_reset: TDX is not enabled: error \(-[0-9]*\);.*/error \1/p' \
		-e 's/.*td_user: tdx_enable(): .* with result \(-[0-9]*\)$/got \1/p' | awk '
		$1 == "step" { step[++n] = substr($0, 6) }
		$1 == "error" { for (; n; n--) print step[n] "|" $2; error[$2] }
		$1 == "got" { if (!($2 in error)) print "a caller|got what no attempt ended with|" $2; delete error }'
}
# undocumented DOCUMENTED: the logged causes that differ from it.
undocumented() {
	awk -F '|' 'NR == FNR { text[$1] = $2; error[$1] = $3; next }
		{
			row = "any other"
			for (s in text) if (index($1, s) == 1) row = s
			if ($2 != text[row] || $3 != error[row]) print
		}' "$1" -
}

# expect_causes: text and error of each failure are those of the documentation.
expect_causes() {
	causes_documented >"$tmp/documented"
	causes_logged | sort -u >"$tmp/causes"
	expect_some "documented causes" "$(wc -l <"$tmp/documented")"
	expect_some "causes in the log" "$(wc -l <"$tmp/causes")"
	_odd=$(undocumented "$tmp/documented" <"$tmp/causes")
	[ -z "$_odd" ] || bad "other than Documentation/tdx_reset.md says: $_odd"
	# The twins: another error or another text is noticed.
	for _change in 's/|-[0-9]*$/|-1/' 's/|./|/'; do
		[ "$(sed "$_change" "$tmp/causes" | undocumented "$tmp/documented" | wc -l)" = "$(wc -l <"$tmp/causes")" ] ||
			bad "a planted cause was not noticed: $_change"
	done
}

# Every leaf of the enablement fails with a status, COUNT times; each failure is
# told with the leaf's name and its documented cause, and TDX is enabled in the end.
case_own_faults() {
	with_status "$1" >"$tmp/leaves"
	count=$2; shift 2
	vm_start "$name" "$kernel" 2 5120 sys_disable=absent t.run=own-enable t.stay=1 "$@"
	wait_boot
	while read -r nr _ after status; do
		vm_ctl inject "$nr" "$status" "$count" "$after" </dev/null >/dev/null
	done <"$tmp/leaves"
	seen=0 compared=0
	while vm_running && ! grep -a -q '^VM-ENABLED: \|^VM-RESULT: ' "$(vm_log)"; do
		sleep 0.3
		[ "$(attempt 1)" -gt "$seen" ] || continue
		vm_ctl stop >/dev/null || continue
		seen=$(attempt 1)
		if [ "$(attempt 2)" = 0 ]; then go_on; else compare_attempt; fi
	done
	vm_result 60 || bad "$vm_why"
	while read -r nr leaf _ status; do
		[ "$(given "$nr")" = "$count" ] || bad "$leaf failed $(given "$nr") times, not $count"
		grep -a -q "tdx_reset: enable: $leaf on CPU .* status $status: " "$(vm_log)" ||
			bad "the log does not say that $leaf failed with $status"
	done <"$tmp/leaves"
	expect_causes
	equal_at_end
	[ "$compared" -ge 4 ] || bad "only $compared of $seen attempts were compared"
	echo "own-faults: $seen attempts, $compared compared, $(wc -l <"$tmp/causes") causes; $(grep -a 'TDX enabled: ' "$(vm_log)" | head -n 1)"
	finish
}

# disarm NR: no more failures of this leaf.
disarm() { vm_ctl inject "$1" 0 0 >/dev/null; }

# Each call of the enablement fails once, one an attempt: leaf after leaf, the
# first call, the second, and so on, until an attempt has no such call any more and
# meets the next leaf's failure.  Of TDH.SYS.TDMR.INIT, which makes many, a few.
case_own_every() {
	status=$1 few=6; shift
	vm_start "$name" "$kernel" 2 5120 sys_disable=absent t.run=own-enable t.stay=1 t.attempts=300 t.pause=2 "$@"
	wait_boot
	# shellcheck disable=SC2046
	set -- $(echo "$enable_leaves" | cut -d' ' -f1)
	after=0 seen=0 compared=0 failed=0 first=0
	while :; do
		# Stopped in the pause after the last attempt, so that none begins before.
		if [ $# -gt 1 ]; then
			vm_ctl inject "$1" "$status" 1 $after >/dev/null
			vm_ctl inject "$2" "$status" 1 0 >/dev/null
		elif [ $after -lt $few ]; then
			vm_ctl inject "$1" "$status" 1 $after >/dev/null
		fi
		before=$(given "$1")
		[ $seen = 0 ] || compare_attempt
		until [ "$(attempt 1)" -gt $seen ] || grep -a -q '^VM-RESULT: ' "$(vm_log)" || ! vm_running; do
			sleep 0.1
		done
		vm_ctl stop >/dev/null || bad "the simulator does not answer"
		[ "$(attempt 1)" = $((seen + 1)) ] || { bad "after attempt $seen comes attempt $(attempt 1)"; break; }
		seen=$((seen + 1))
		[ "$(attempt 2)" != 0 ] || break
		failed=$((failed + 1))
		last=$(called "$1")
		if [ "$(given "$1")" != "$before" ]; then
			after=$((after + 1))
		elif [ $((last - first)) -gt $after ]; then
			echo "own-every: attempt $seen began before it was to fail, once more"
		elif [ $# -gt 1 ]; then
			disarm "$1"
			echo "own-every: leaf $1: each of $after calls failed"
			shift
			after=1
			last=$(called "$1")
		fi
		first=$last
	done
	go_on
	vm_result 60 || bad "$vm_why"
	echo "own-every: leaf $1: each of $(given "$1") calls failed"
	[ $# = 1 ] || bad "not every leaf's turn came, these are left: $*"
	told=$(grep -a -c "tdx_reset: enable: TDH.* on CPU .* status $status: " "$(vm_log)")
	[ "$told" = "$failed" ] || bad "$failed attempts failed, the log tells of $told"
	expect_causes
	equal_at_end
	[ "$compared" -ge $((failed / 2)) ] || bad "only $compared of $failed attempts were compared"
	echo "own-every: $failed attempts failed, $compared compared; $(grep -a 'TDX enabled: ' "$(vm_log)" | head -n 1)"
	finish
}

# TDX is enabled and no TD is there: the PAMT, for the simulator and the tracker.
equal_at_end() {
	counts=$(vm_ctl counts)
	pamt=$(echo "$counts" | number PAMT)
	expect_some "PAMT pages" "$pamt"
	expect_zero "private pages outside PAMT" $(($(echo "$counts" | number private_pages) - pamt))
	expect_zero "dirty pages" "$(echo "$counts" | number dirty_pages)"
	answer=$(vm_ctl superset "$(attempt 3)") || bad "a page is missing at the end: $answer"
	[ "$(echo "$answer" | number tracker_pages)" = "$pamt" ] ||
		bad "the tracker holds other than the $pamt PAMT pages: $answer"
	[ "$(attempt 5)" = complete ] || bad "coverage is $(attempt 5)"
}

# operands LEAF STATUS REGISTER: of each call of LEAF that answered STATUS.
operands() {
	sed -n "s/.*\"leaf\":\"$1\".*\"$3\":\"\(0x[0-9a-f]*\)\".*\"rax\":\"$2\".*/\1/p" "$VM_DIR/$vm_name/events.jsonl" | sort
}

# A kexec with pages in the states between: as the simulator saw the calls, there are
# STATE_PAGES (tests/td-user/td_end.c) different pages in each.  Those that TDX has
# given back and nobody has rewritten are what the tracker has more than TDX.
expect_states() {
	operands TDH.MEM.PAGE.AUG '0x[89a-f][0-9a-f]\{15\}' r8 >"$tmp/refused"
	operands TDH.MEM.RANGE.BLOCK 0x0 rcx >"$tmp/range-block"
	operands TDH.MEM.PAGE.REMOVE 0x0 rcx >"$tmp/removed"
	operands TDH.PHYMEM.PAGE.RECLAIM 0x0 rcx >"$tmp/reclaimed"
	comm -23 "$tmp/range-block" "$tmp/removed" >"$tmp/blocked"
	for _state in refused blocked removed reclaimed; do
		[ "$(wc -l <"$tmp/$_state")" = 16 ] && [ -z "$(uniq -d "$tmp/$_state")" ] ||
			bad "$(sort -u "$tmp/$_state" | wc -l) pages $_state in $(wc -l <"$tmp/$_state") calls, not 16"
	done
	_back=$(cat "$tmp/removed" "$tmp/reclaimed" | wc -l)
	_tracked=$(handoff 'private pages') _private=$(jump_event 2 | number private_pages)
	expect_some "private pages at the jump" "$_private"
	[ "${_tracked:-0}" = $((${_private:-0} + _back)) ] ||
		bad "the tracker has ${_tracked:-no} pages at the hand-off, TDX ${_private:-none} and has given $_back back"
	echo "states: $_tracked pages in the tracker, $_private of TDX, $_back given back"
}

# Every CPU of CPUS did TDH.SYS.LP.INIT; and CPU 1, which went and came back, can call
# TDX: tdx_cpu_enable() says 0 there because it remembers.
expect_cpus() {
	_cpus=$(sed -n 's/.*"cpu":\([0-9]*\),"leaf":"TDH.SYS.LP.INIT".*"rax":"0x0".*/\1/p' "$VM_DIR/$vm_name/events.jsonl" | sort -u | wc -l)
	[ "$_cpus" = "$1" ] || bad "TDH.SYS.LP.INIT succeeded on $_cpus CPUs, not on $1"
	_calls=$(awk '/"ev":"vmxoff","cpu":1[},]/ { gone = 1; back = 0 }
		/"ev":"vmxon","cpu":1[},]/ { back = gone }
		back && /"ev":"seamcall","cpu":1,.*"rax":"0x0"/ { n++ }
		END { print n + 0 }' "$VM_DIR/$vm_name/events.jsonl")
	expect_some "SEAMCALLs of the CPU that came back" "$_calls"
	echo "cpus: TDH.SYS.LP.INIT on $_cpus, $_calls calls by the one that came back"
}

# Many callers: each step is done once all the same.
case_own_concurrent() {
	cpus=$1; shift
	# Small holes at the end of a GiB, so that each GiB gets a TDMR of its own.
	for _hole in 0x3fff0000 0x13fff0000 0x17fff0000; do set -- "memmap=64K\$$_hole" "$@"; done
	# Each TDH.SYS.TDMR.INIT (leaf 36) takes 200 ms: time for the other CPUs to take one.
	vm_start "$name" "$kernel" "$cpus" 5120 sys_disable=absent,hold=36:200 t.run=own-enable t.stay=1 "$@"
	vm_result 240 || bad "$vm_why"
	[ "$(called TDH.SYS.INIT)" = 1 ] || bad "TDH.SYS.INIT was called $(called TDH.SYS.INIT) times"
	[ "$(called TDH.SYS.CONFIG)" = 1 ] || bad "TDH.SYS.CONFIG was called $(called TDH.SYS.CONFIG) times"
	[ "$(called TDH.SYS.KEY.CONFIG)" = 1 ] || bad "TDH.SYS.KEY.CONFIG was called $(called TDH.SYS.KEY.CONFIG) times"
	[ "$(called TDH.SYS.LP.INIT)" = "$cpus" ] || bad "TDH.SYS.LP.INIT was called $(called TDH.SYS.LP.INIT) times on $cpus CPUs"
	initialisers=$(grep '"leaf":"TDH.SYS.TDMR.INIT"' "$VM_DIR/$vm_name/events.jsonl" |
		sed 's/.*"cpu":\([0-9]*\).*/\1/' | sort -u | wc -l)
	# Two TDMRs are quickly done by one CPU.
	tdmrs=$(grep -a 'TDX enabled: ' "$(vm_log)" | sed -n 's/.* \([0-9]*\) TDMRs.*/\1/p')
	[ "${tdmrs:-0}" -ge 4 ] || bad "the log tells of ${tdmrs:-no} TDMRs: too few to see CPUs side by side"
	[ "$initialisers" -gt 1 ] || bad "TDH.SYS.TDMR.INIT of ${tdmrs:-the} TDMRs ran on one CPU only"
	# A call is under way from its "hold" to its "seamcall"; who goes over the CPUs one
	# after the other has one at a time.
	side=$(awk '/"leaf":"TDH.SYS.TDMR.INIT"/ && /"ev":"hold"/ && ++n > most { most = n }
		/"leaf":"TDH.SYS.TDMR.INIT"/ && /"ev":"seamcall"/ { n-- }
		END { print most + 0 }' "$VM_DIR/$vm_name/events.jsonl")
	[ "$side" -gt 1 ] || bad "at most $side calls of TDH.SYS.TDMR.INIT were under way at once"
	equal_at_end
	echo "own-concurrent: TDH.SYS.TDMR.INIT of ${tdmrs:-0} TDMRs on $initialisers CPUs, $side at once; $(grep -a 'td_user: tdx_enable' "$(vm_log)" | head -n 1)"
	finish
}

# Lines that caches took back to TDX after they had been made normal.
came_back() {
	grep '"ev":"cache-return"' "$VM_DIR/$vm_name/events.jsonl" |
		sed 's/.*"lines":\([0-9]*\).*/\1/' | awk '{ n += $1 } END { print n + 0 }'
}

# Unloaded after LEAF failed: no line of the PAMT's memory is left to TDX, also
# when what it wrote was in the caches.  The twin's WBINVD does nothing.  With
# init_on_free=1 the kernel writes each page when it is freed.  If that came before
# WBINVD, lines would come back; if it came before MOVDIR64B, that would meet lines
# that are not TDX's any more.
case_own_unload() {
	leaf=$1 after=$2 expect=$3; shift 3
	# Long enough that most of it would come back after the reset.
	opts=sys_disable=absent,cache=on,cache_ms=10000
	[ "$expect" = normal ] || opts=$opts,wbinvd=ignore
	count=1 status=${STUCK:-${STATUS:-0xc000010000000001}}
	[ -z "${STUCK:-}" ] || { count=1000000; opts=$opts,seamcalls=unlogged; }
	# Only TDH.SYS.TDMR.INIT writes memory, for which there is a wait of 11 s.  The rest
	# is to be stopped in.
	rest=10
	[ "$leaf" != 36 ] || rest=25
	vm_start "$name" "$kernel" 2 5120 "$opts" t.run=own-enable t.stay=1 t.unload=1 "t.rest=$rest" "$@"
	wait_boot
	vm_ctl inject "$leaf" "$status" $count "$after" >/dev/null
	if [ "$expect" = returns ]; then
		# They come back into memory that the kernel uses for something else by
		# now: how long it lives is chance.
		tries=$((300 * VM_SLOW)) back=0
		while [ "$back" = 0 ] && [ $tries -gt 0 ]; do
			sleep 0.2
			tries=$((tries - 1)) back=$(came_back)
		done
		expect_some "lines that came back to TDX" "$back"
		echo "own-unload: $back lines came back"
		finish
	fi
	vm_wait '^VM-UNLOADED: \|^VM-RESULT: ' 120 || bad "$vm_why"
	# The guest rests; stopped, so that it does not go on before it is looked at.
	vm_ctl stop >/dev/null || bad "the simulator does not answer"
	wrote=$(vm_ctl cache | number written_pages)
	if [ "$leaf" = 36 ]; then
		expect_some "pages that WBINVD wrote back before the memory was reset" "$wrote"
		vm_ctl cont >/dev/null
		sleep 11
		vm_ctl stop >/dev/null
	else
		expect_zero "pages that TDX wrote" "$wrote"
	fi
	counts=$(vm_ctl counts)
	owned=$(echo "$counts" | number owned_lines) pamt=$(echo "$counts" | number PAMT)
	taken=$(vm_ctl stats | number made_normal)
	[ "$(given "$leaf")" -ge 1 ] || bad "leaf $leaf did not fail"
	grep -a -q '^VM-AGAIN' "$(vm_log)" && bad "the guest went on before it was looked at"
	vm_ctl cont >/dev/null
	expect_zero "lines left to TDX" "$owned"
	expect_zero "lines that came back" "$(came_back)"
	expect_zero "poisoned lines" "$(events poison)"
	[ "$taken" = $((${pamt:-0} * 64)) ] ||
		bad "MOVDIR64B met ${taken:-no} lines of TDX, but the PAMT has ${pamt:-0} pages: somebody wrote there before"
	vm_result 60 || bad "$vm_why"
	expect_said "$@"
	echo "own-unload: $owned lines left to TDX, $taken taken from it; $wrote pages written back in time, $(came_back) lines later"
	finish
}

# Memory for the PAMT while memory is in pieces: each try has a stated outcome,
# and what it took is there again.
case_own_pamt() {
	mib=$1 expect=$2; shift 2
	[ "$expect" = enabled ] || set -- t.warm=1 "$@"
	vm_start "$name" "$kernel" 2 "$mib" sys_disable=absent t.run=own-pamt t.stay=1 "$@"
	wait_boot
	[ "$expect" = enabled ] || vm_ctl inject 45 0xc000010000000001 1000 0 >/dev/null
	vm_result 240 || bad "$vm_why"
	grep -a '^VM-PAMT: ' "$(vm_log)" | tr -d '\r'
	expect_said "$@"
	# MemFree in KiB before and after, and whether TDX was enabled.
	# shellcheck disable=SC2046
	set -- $(grep -a '^VM-PAMT-END: ' "$(vm_log)" | tr -d '\r')
	[ $# = 4 ] || { bad "the guest did not tell how much memory is free"; finish; }
	counts=$(vm_ctl counts)
	if [ "$expect" = enabled ]; then
		[ "$4" = 1 ] || bad "TDX was not enabled in the end"
		expect_some "PAMT pages" "$(echo "$counts" | number PAMT)"
		finish
	fi
	expect_zero "private pages" "$(echo "$counts" | number private_pages)"
	expect_zero "lines left to TDX" "$(echo "$counts" | number owned_lines)"
	# The smallest piece is 4 MiB; the kernel's own caches move by less.
	lost=$(($2 - $3))
	echo "own-pamt: $lost KiB less free memory than before"
	case $expect in
	given-back) [ $lost -lt 4096 ] || bad "$lost KiB were not given back" ;;
	leaks) [ $lost -ge 4096 ] || bad "only $lost KiB are gone: a leak would not be seen" ;;
	esac
	finish
}
