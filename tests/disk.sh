#!/bin/sh
# A disk that is full: a run writes into file systems of 8, 16, 24, ... KB. It must say so and keep what is done; with room
# it goes on, to the same bytes as a run that always had room. Mounting needs root.
set -eu
out=$PWD/build/disk
umount $out/small 2> /dev/null || true
rm -rf $out
mkdir -p $out/small
mount -t tmpfs -o size=64k segfuse $out/small 2> /dev/null || { echo "skipped disk: no tmpfs may be mounted here"; exit 0; }
umount $out/small
trap 'umount $out/small 2> /dev/null || true' EXIT
run() { # FOLDER
    build/segfuse generate --method per_prompt --max_samples 6 --num_fewshots 1 --lemmatize --quiet --batch_size 1 \
        --output "$1" > $out/said.txt 2>&1
}
run $out/whole
full=0 size=8
while :; do
    mount -t tmpfs -o size=${size}k segfuse $out/small
    status=0
    run $out/small/run || status=$?
    if [ $status != 0 ]; then
        grep -q "No space left on device" $out/said.txt || { echo "FAILED  $size KB: nothing is said of it"; cat $out/said.txt; exit 1; }
        ls $out/small/run 2> /dev/null | grep '[.]tmp$' && { echo "FAILED  $size KB: a temporary file stays behind"; exit 1; }
        for file in csv json feather; do # whole, or not there
            [ ! -e $out/small/run/per_prompt.$file ] || cmp $out/small/run/per_prompt.$file $out/whole/per_prompt.$file
        done
        full=$((full + 1))
        mount -o remount,size=16m $out/small
        run $out/small/run || { echo "FAILED  $size KB: it does not go on"; cat $out/said.txt; exit 1; }
    fi
    diff -r $out/whole $out/small/run || { echo "FAILED  $size KB: the files differ"; exit 1; }
    umount $out/small
    [ $status != 0 ] || break
    size=$((size + 8))
done
[ $full -gt 2 ] || { echo "FAILED  the disk was never full"; exit 1; }
echo "ok      $full full disks, from 8 KB on; with room each run went on to the same files"
