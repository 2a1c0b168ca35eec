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

# The judge must not be content with anything: each of these changes to a good
# record is a fault that it has to see.
judge_is_awake() {
	set -- \
		'written again'	'{ print } $1 == "run" && !d++ { print }' \
		'pages were private' '!($1 == "run" && !d++) { print }' \
		'not of TDX'	'{ print } END { print "run 0 1 1 normal" }' \
		'went back'	'$1 == "run" && $4 > 1 && !d++ { h = int($4 / 2); print $1, $2, $3 + h, $4 - h, $5; print $1, $2, $3, h, $5; next } { print }'
	while [ $# -gt 0 ]; do
		awk "$2" "$stores" >"$tmp/changed"
		judge_stores "$tmp/changed" | grep -q "$1" || bad "a record with a planted fault was not judged: $1"
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
	[ "$cpus" = 1 ] || [ "$by" -gt 1 ] || bad "only $by of $cpus CPUs rewrote anything"
	judge_is_awake
	finish
}
