# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The cases that prove from the simulator's record of direct stores how a hand-off
# rewrites.  Sourced by case, which has the helpers.
# shellcheck disable=SC2154 # why, vm_why, name, kernel, tmp, touch are those of case and vm.sh

# judge_stores FILE: the stores before the jump into the second kernel.  Prints
# what is wrong, or nothing:
#   each line that was TDX's, once, and no other line
#   all lines of all private pages
#   within a range of private pages, each CPU upwards
# A range is what hangs together of all that was written.
judge_stores() {
	grep -q '^jump 2 ' "$1" || { echo "no jump into the second kernel"; return; }
	awk '$1 == "run" { print NR, $2, $3, $4, $5 }' "$1" | sort -k3,3n -k1,1n | awk '
		$3 < end { print "line " $3 " written again, by CPU " $2; bad = 1; exit }
		$3 > end { range++ }
		{ end = $3 + $4; print "#", $1, $2, $3, range, $4, $5 }' >"$tmp/judged"
	grep -v '^#' "$tmp/judged" | head -n 3
	awk '$1 == "jump" { pages = $3 } $1 == "run" && $5 == "normal" { normal += $4 } $1 == "run" { lines += $4 }
		END {
			if (normal) print normal " lines written that were not of TDX"
			if (lines != pages * 64) print lines + 0 " lines written, but " pages " pages were private: " pages * 64 " lines"
		}' "$1"
	grep '^#' "$tmp/judged" | sort -k2,2n | awk '
		($3, $5) in last && $4 < last[$3, $5] && !told++ { print "CPU " $3 " went back from line " last[$3, $5] " to " $4 " in one range" }
		{ last[$3, $5] = $4 }'
}

# judge_nodes FILE CPUS MIB: of a machine with VM_NODES, all of its memory below 4 GiB:
# a CPU goes to other nodes when nothing is left in its own, and not before.
judge_nodes() {
	awk -v cpus=$(($2 / VM_NODES)) -v lines=$(($3 / VM_NODES * 16384)) '
		$1 == "run" {
			own = int($2 / cpus) == int($3 / lines)
			if (!own) away[$2] = 1
			else if ($2 in away && !told++) print "CPU " $2 " came back to its own node"
			if (own) home[$2] += $4
		}
		END {
			for (c = 0; c < cpus * '"$VM_NODES"'; c++)
				if (!home[c]) print "CPU " c " rewrote nothing of its own node"
		}' "$1"
}

# expect_progress: while it rewrote, the component told how far it was.  Each second at
# most: between two chunks, which take some here.
expect_progress() {
	_us=$(handoff us)
	progress=$(grep -a -o 'hand-off: [0-9]* of [0-9]* MiB rewritten, [0-9]* MiB/s, about [0-9]* s left' "$(vm_log)") || :
	_lines=$(echo "$progress" | grep -c . || :)
	echo "progress: $_lines lines in $_us us: $(echo "$progress" | tail -n 1)"
	[ "$_us" -ge 2500000 ] || bad "rewritten in $_us us: too quick to tell of progress"
	[ "$_lines" -ge 2 ] && [ "$_lines" -le $((_us / 1000000)) ] || bad "$_lines lines of progress in $_us us"
	echo "$progress" | awk '{ if ($2 <= last || $2 > $4 || $7 < 1) exit 1; last = $2 }' ||
		bad "progress that is none: $progress"
}

# The judge must not be content with anything: each of these changes to a good
# record is a fault that it has to see.
judge_is_awake() {
	set -- \
		'written again'	'{ print } $1 == "run" && !d++ { print }' \
		'pages were private' '!($1 == "run" && !d++) { print }' \
		'not of TDX'	'{ print } END { print "run 0 1 1 normal" }' \
		'went back'	'$1 == "run" && $4 > 1 && !d++ { h = int($4 / 2); print $1, $2, $3 + h, $4 - h, $5; print $1, $2, $3, h, $5; next } { print }'
	[ -z "$VM_NODES" ] || set -- "$@" \
		'came back'	'{ print } END { print "run 0 '$((mib / VM_NODES * 16384))' 1 tdx"; print "run 0 1 1 tdx" }' \
		'of its own node' '$1 != "run" || $2'
	while [ $# -gt 0 ]; do
		awk "$2" "$stores" >"$tmp/changed"
		{ judge_stores "$tmp/changed"; [ -z "$VM_NODES" ] || judge_nodes "$tmp/changed" "$cpus" "$mib"; } |
			grep -q "$1" || bad "a record with a planted fault was not judged: $1"
		shift 2
	done
}

# case stores EXPECT SCENARIO CPUS MIB [PARAM...]
#     EXPECT  once   each line of each private page once, upwards, nothing else
#             twice  the twin: somebody writes a page again
case_stores() {
	expect=$1 scenario=$2 cpus=$3 mib=$4; shift 4
	stores=$VM_DIR/$name/stores
	[ "$expect" != once ] || set -- "$touch" "$@"
	vm_start "$name" "$kernel" "$cpus" "$mib" "sys_disable=absent,stores=$stores" "t.run=$scenario" "$@"
	vm_result 180 || bad "the next kernel did not finish: $vm_why"
	expect_zero "inherited private and dirty lines" "$(jump_event 2 | number owned_lines)"
	# What was recorded until the jump into the second kernel.
	awk '$1 == "jump" { here = $2 == 2 } here' "$stores" >"$tmp/record"
	stores=$tmp/record
	[ -s "$stores" ] || { bad "the simulator recorded no stores"; finish; }
	judged=$(judge_stores "$stores")
	echo "stores: $(awk '$1 == "run" { runs++; lines += $4; cpu[$2] = 1 }
		END { for (c in cpu) n++; print lines + 0 " lines by " n + 0 " CPUs in " runs + 0 " runs" }' "$stores"), $(
		awk '$1 == "jump" { print $3 }' "$stores") private pages in $(
		awk '$1 == "#" && !($5 in r) { r[$5]; n++ } END { print n + 0 }' "$tmp/judged") ranges; ${judged:-each line once, upwards}"
	if [ "$expect" = twice ]; then
		# One page: its 64 lines were normal the second time.
		echo "$judged" | grep -q 'written again' && echo "$judged" | grep -q -x '64 lines written that were not of TDX' ||
			bad "a page was written twice, and that is not what is noticed"
		finish
	fi
	[ -z "$judged" ] || bad "$judged"
	by=$(awk '$1 == "run" { cpu[$2] = 1 } END { for (c in cpu) n++; print n + 0 }' "$stores")
	[ "$by" = "$cpus" ] || bad "only $by of $cpus CPUs rewrote anything"
	[ -z "$VM_NODES" ] || {
		judged=$(judge_nodes "$stores" "$cpus" "$mib")
		echo "nodes: ${judged:-each CPU its own node first}"
		[ -z "$judged" ] || bad "$judged"
	}
	case " $* " in *' t.watchdogs=1 '*) expect_progress ;; esac
	judge_is_awake
	finish
}
