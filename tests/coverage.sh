#!/bin/sh
# What `make coverage` prints: coverage.sh PROGRAM PROFILE. Fails below the floors, in percent: COVERAGE_LINES and
# COVERAGE_BRANCHES. Kernels for AVX-512 can only be reached where the processor has it.
set -eu
lines_floor=${COVERAGE_LINES:-98} branches_floor=${COVERAGE_BRANCHES:-90}
[ "${COVERAGE_BRANCHES:-}" ] || grep -q avx512f /proc/cpuinfo 2> /dev/null || branches_floor=80
report() { llvm-cov report "$1" -instr-profile="$2" "$3" segfuse.h 2> /dev/null; }
report "$1" "$2" -show-functions=true | awk '
    { sub(/^.*:/, "", $1) } # the file of a static function
    $1 ~ /^sgf_/ && $6 > 0 { print $6, $5, $9, $1 }' | sort -rn | head -40 |
    awk 'BEGIN { print "lines not reached, of, branches not taken: function" }
        { printf "%6d %5d %5d  %s\n", $1, $2, $3, $4 }'
report "$1" "$2" -show-functions=false | awk -v lines="$lines_floor" -v branches="$branches_floor" '
    $1 == "TOTAL" {
        printf "lines %.2f%% (%d of %d), branches %.2f%% (%d of %d)\n", 100 * (1 - $9 / $8), $8 - $9, $8,
            100 * (1 - $12 / $11), $11 - $12, $11
        if (100 * (1 - $9 / $8) < lines || 100 * (1 - $12 / $11) < branches)
            print "below the floor of " lines "% of lines and " branches "% of branches"
        exit 100 * (1 - $9 / $8) < lines || 100 * (1 - $12 / $11) < branches
    }'
