#!/bin/sh
# kill -9 at random moments: a run is started, killed after a random time and started again until it is done; its files
# must be, byte for byte, those of a run that nobody disturbed, and nothing else may lie beside them. Again, until KILLS
# runs have been killed.
set -eu
kills=${KILLS:-200} out=build/kill
run() { # FOLDER OPTIONS...
    folder=$1
    shift
    exec build/segfuse generate --method per_prompt,fused --max_samples 3 --num_fewshots 1 --lemmatize --quiet \
        --batch_size 1 --output $out/"$folder" "$@" > $out/said.txt 2>&1
}
rm -rf $out
mkdir -p $out
(run whole)
# What a run takes, in milliseconds, so that a kill may come at any moment of it.
begun=$(date +%s%N)
(run timed)
span=$((($(date +%s%N) - begun) / 1000000))
rm -rf $out/timed
seed=$(date +%s)
killed=0 lives=0
while [ $killed -lt "$kills" ]; do
    done=
    while [ -z "$done" ]; do
        seed=$(((seed * 1103515245 + 12345) % 2147483648)) # C's old generator; its high bits are good enough here
        pause=$(awk "BEGIN { print $seed / 2147483648 * $span / 1000 }")
        (run killed) &
        pid=$!
        sleep "$pause"
        kill -9 $pid 2> /dev/null || true
        status=0
        wait $pid 2> /dev/null || status=$?
        case $status in
            0) done=1 ;;
            137) killed=$((killed + 1)) ;;
            *) echo "FAILED  after $killed kills the run ended with status $status:"; cat $out/said.txt; exit 1 ;;
        esac
    done
    diff -r $out/whole $out/killed || { echo "FAILED  after $killed kills the files differ"; exit 1; }
    rm -rf $out/killed
    lives=$((lives + 1))
done
echo "ok      $killed runs were killed on the way to $lives complete ones, each with the same files"
