#!/usr/bin/env bash
# Rules of the tree that no compiler checks. Each prints the lines that break it and the cure.
set -u
shopt -s lastpipe # rule() counts, and stands at the end of pipes
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. test/tools/tally.sh
passed=0 failed=0

# rule NAME CURE: the lines on standard input are what breaks the rule.
rule() {
  local found
  found=$(cat)
  if [ -z "$found" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'not ok: %s\n%s\n  cure: %s\n' "$1" "$(sed 's/^/  /' <<<"$found")" "$2"
  fi
}

sources() { find "$@" -type f \( -name '*.cpp' -o -name '*.hpp' \) 2>/dev/null | sort; }

# without_pair FOLDER SUFFIX FOLDER SUFFIX: files of the first that have no partner in the second.
without_pair() {
  local file name
  for file in "$1"/*."$2"; do
    [ -e "$file" ] || continue
    name=$(basename "$file" ".$2")
    [ -e "$3/$name.$4" ] || [ -e "$3/${name%_[0-9]}.$4" ] || # alternative answers are NAME_1.out
      echo "$file has no $3/$name.$4"
  done
}

version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" coach_sms.control)
grep -n '"version"' META.json | grep -vF "\"$version\"" | grep -vF '"1.0.0"' |
  rule "META.json carries the control file's version" "write $version there"
grep -rnF "$version" Makefile src sql/*.sql sql/install test --include='*' 2>/dev/null | grep -v '^test/vectors/' |
  rule "the version is written in the control file only" "derive it, or compare with default_version"

perl test/tools/upgrade_script.pl --check |
  rule "the newest upgrade script makes each function, view and comment that changed" "make upgrade-script"
LC_ALL=C.UTF-8 grep -rnE --include='*.sql' '^.{111}' sql/install | cut -c1-150 |
  rule "no line of sql/install is longer than 110 columns" "one clause a line; adjacent literals are one text"
grep -rnE '^REVOKE ALL ON' sql/install | grep -v '^sql/install/80_rights/' |
  rule "sms_take_ownership() alone takes rights from PUBLIC" "remove the line: a loop does it for every object"

grep -nE '\b(ereport|elog|palloc[a-z0-9_]*|pfree|MemoryContext[A-Za-z]*|SPI_[a-z_]+|[GS]etConfigOption[A-Za-z]*|[A-Za-z]*Latch|CHECK_FOR_INTERRUPTS|postgres\.h)\b' $(sources src/core) /dev/null |
  rule "the core does not name PostgreSQL" "return a decision; src/pg carries it out"
# A second thread in a server process may touch nothing of PostgreSQL. So only core code makes one, with all signals
# blocked, and all that it calls in src/pg stands in one file, which may call these functions only. The gateway is a
# program of its own.
grep -nE '\b(std::j?thread|std::async|pthread_create)\b' $(sources src/core src/pg) /dev/null | grep -v '^src/core/http/http_thread\.[ch]pp:' |
  rule "only src/core/http/http_thread.cpp starts a thread" "give the thread a new kind of order"
grep -nE '\.(is_recalled|before_send) = |new Dispatch\(' $(sources src/pg) /dev/null |
  grep -vE ' = (is_recalled|pass_connected);$|\(dispatch_options\(\), wall_clock,' |
  rule "libcurl's thread calls functions of first_byte.cpp only" "write the function there"
first_byte=src/pg/sender/first_byte.cpp
sed 's|//.*||' $first_byte | grep -noE '\b[A-Za-z_:]+\(' | grep -vE ':(is_recalled|pass_connected|wall_clock|read_recalls|GetCurrentTimestamp|FAILPOINT)\($' |
  rule "$first_byte calls nothing but atomics in shared memory and the clock" "read it on the main thread, and copy it into the request"
# PostgreSQL's macros would change what core headers mean. The compiler meets the headers of a file in this order.
perl -e '
  sub visit {
    my $file = shift;
    return if $seen{$file}++;
    print "$root: $file\n" if $after_postgres && $file =~ m{^core/};
    $after_postgres ||= $file eq "pg/base/pg_api.hpp";
    open(my $in, "<", "src/$file") or die "src/$file: $!\n";
    visit($_) for map { m{^#include "((?:core|pg)/.+)"} } <$in>;
  }
  for (@ARGV) { %seen = (); $after_postgres = 0; $root = $_; visit(s{^src/}{}r) }' $(sources src/pg) 2>&1 |
  rule "core headers come before PostgreSQL's" "move the #include up, in front of the first that leads to pg_api.hpp"

# The floors of the house: a file includes its own room and lower ones. Files that lie in src/pg itself are rooms of their own.
core_rooms='base crypto text tenancy http twilio webhook sending limits bookings'
pg_rooms='base settings shared tables facts consent limits messages tenancy workers secrets arming webhook bookings enqueue doctor sender module'
for side in core pg; do
  rooms=${side}_rooms
  grep -rE "^#include \"$side/" "src/$side" | awk -F'[/:".]' -v side="$side" -v rooms="${!rooms}" '
    BEGIN { for (i = split(rooms, order, " "); i > 0; --i) floor[order[i]] = i }
    { own = $3; split($0, parts, "#include \"" side "/"); split(parts[2], to, "[/.]") }
    !(own in floor) || !(to[1] in floor) { print $0 " (a room that is not in the list)"; next }
    floor[to[1]] > floor[own]'
done | rule "a file includes its own room and lower ones only" "move what both need down, or hand it in by an argument"

grep -rnE '^#include "' src/gateway | grep -vE '"(core|gateway)/' |
  rule "the gateway includes core only" "ask the database by SQL"

{ find src/core -maxdepth 1 -name '*.[ch]pp' && find src -mindepth 4 -name '*.[ch]pp'; } |
  rule "each file of src stands in a room" "move it: the Makefile builds rooms only"
find test/tap -name '*.pl' -printf '%f\n' | sort | uniq -d |
  rule "each TAP test has a name of its own" "rename one: its log and its data folder go by it"

# An ERROR jumps over destructors. So a type that owns memory may stand in src/pg only within the parentheses of
# run_cpp(...), in base/cpp_boundary.*, or in a file that says in a line of its own "// Runs inside run_cpp only.". References own nothing.
owning='std::(string|wstring|vector|map|set|unordered_map|unordered_set|deque|list|function|unique_ptr|shared_ptr)\b'
for file in $(sources src/pg); do
  case $file in src/pg/base/cpp_boundary.*) continue ;; esac
  ! grep -qxF '// Runs inside run_cpp only.' "$file" || continue
  awk -v file="$file" -v owning="${owning%\\b}([^_a-zA-Z0-9]|$)" '
    { line = $0; sub(/\/\/.*/, "", line); gsub(/std::[a-z_]+(<[^()]*>)?[ ]?&/, "", line) }
    depth == 0 && (at = index(line, "run_cpp(")) { inside = substr(line, at + 7); before = substr(line, 1, at - 1) }
    depth == 0 && !at { before = line; inside = "" }
    depth > 0 { before = ""; inside = line }
    before ~ owning { print file ":" FNR ": " $0 }
    { depth += gsub(/\(/, "(", inside) - gsub(/\)/, ")", inside); if (depth < 0) depth = 0; at = 0 }' "$file"
done | rule "nothing with a destructor lives across a backend call" "move it into run_cpp(...), or the function into a file that runs there only"

{ without_pair sql sql expected out && without_pair expected out sql sql; } |
  rule "each sql/*.sql has its expected/*.out, and the reverse" "write the missing one, or remove the orphan"
{ without_pair test/isolation/specs spec test/isolation/expected out &&
  without_pair test/isolation/expected out test/isolation/specs spec; } |
  rule "each isolation spec has its expected output, and the reverse" "write the missing one, or remove the orphan"

grep -rnE '\b([T]ODO|[F]IXME|[X]XX|[H]ACK)\b' Makefile src sql test --include='*' | grep -v '^test/vectors/' |
  rule "nothing is left open in the code" "do it, or open an issue"
grep -rnE '\b([p]g_sleep|[u]sleep|[n]anosleep|[s]leep_for|[s]leep [0-9.]+|[s]leep\([0-9.]+\))' sql test expected 2>/dev/null |
  grep -vE '^test/(tap|bench)/lib/' |
  rule "no test sleeps" "wait for a condition with a deadline (wait_for_sql)"

for script in $(find test .ci/run -type f \( -name '*.sh' -o -path .ci/run \)); do
  bash -n "$script" 2>&1
done | rule "shell scripts parse" "see the message"
for package in $(sed -n '/^packages_of/,/^}/s/.*) echo \([^;]*\) ;;.*/\1/p' test/tools/deps.sh | tr ' ' '\n' | grep -vE '^(clang-|cppcheck|valgrind)'); do
  grep -qF "\`$package\`" doc/install.md || echo "$package"
done | rule "doc/install.md names the packages that deps.sh installs" "add it to a table under Build, with its use"
for target in all install help; do
  status=0
  said=$(env -u MAKEFLAGS -u MAKELEVEL PG_CONFIG=/nonexistent make --no-print-directory $target 2>&1) || status=$?
  said=$(grep -v '^make: \*\*\* ' <<<"$said")
  case $target,$status in
    help,0) [ "$(grep -c '^make ' <<<"$said")" -ge 10 ] || echo "make help: $said" ;;
    help,* | *,0) echo "make $target exits with $status" ;;
    *) [[ $said == "coach_sms: "* && $said != *$'\n'* ]] || echo "make $target: $said" ;;
  esac
done | rule "without a PostgreSQL make says one sentence and fails, and make help works" "see PGXS in the Makefile"
perl test/tools/broken_references.pl |
  rule "links and file names in pages lead somewhere" "follow the heading or file to its new name"
perl test/tools/undocumented_log_lines.pl |
  rule "doc/monitoring.md shows each line of the log" "add it to the table of its process, with meaning and cure"
# missing_in FILE CODES OTHERS: the codes that the others have and these lack.
missing_in() { comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3") | sed "s|\$| is missing in $1|"; }
states=doc/states-and-errors.md codes=src/pg/base/sqlstates.hpp
explained=$(sed -n 's/^| \(SM[0-9]*\) |.*/\1/p' $states)
defined=$(sed -n '/MAKE_SQLSTATE(/{s/.*MAKE_SQLSTATE//;s/[^A-Z0-9]//g;p}' $codes)
{ missing_in $states "$explained" "$defined" && missing_in $codes "$defined" "$explained"; } |
  rule "$states explains each SQLSTATE" "add it to the table of SQLSTATEs, or remove its row"
perl test/tools/settings_defaults.pl 2>&1 |
  rule "doc/settings.md has each setting with its default" "correct it, or make reference if a default changed"
perl -MJSON::PP -0777 -ne 'eval { decode_json($_) } or print $@' META.json |
  rule "META.json is JSON" "see the message"

figures=$(perl test/tools/figures.pl)
grep '^not ok: ' <<<"$figures" | rule "the figures of the house are within their bounds" "see the file that is named"
sed 's/^not ok: //' <<<"$figures"
tally check-tree "$passed" "$failed"
