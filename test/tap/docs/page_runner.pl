# What runs the pages' blocks finds a block that fails, raises nothing, or has no end, in sql and in sh, and a mark that is missing or wrong.
use strict;
use warnings;
use PostgreSQL::Test::Utils qw(append_to_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Page qw(blocks is_run run_page trouble_of);

my $node = new_server('main');
my $file = PostgreSQL::Test::Utils::tempdir_short() . '/page.md';
append_to_file($file, <<'MARKDOWN');
```sql
SELECT 'kept' AS word \gset
CREATE TABLE t AS SELECT :'word' AS word;
BEGIN;
```
```sql
INSERT INTO t VALUES ('in the same session');
COMMIT;
```
1. In a list:

   ```sh
   test "$(psql -Atc 'SELECT count(*) FROM t')" = 2
   test -d /etc/postgresql
   ```
<!-- raises SM012 -->
```sql
SELECT sms_cancel(gen_random_uuid());
```
<!-- not run: it is an example -->
```sql
SELECT nothing;
```
<!-- from: test/webhook/nginx.conf -->
```nginx
location = /twilio-webhook {
```
```text
a picture
```
<!-- from: test/webhook/nginx.conf -->
```nginx
location = /another {
```
<!-- from: test/webhook/none.conf -->
```nginx
```
```python
print("no mark")
```
<!-- raises SM011 -->
```sql
SELECT sms_cancel(gen_random_uuid());
```
```sh
false
true
```
```sql
SELECT 1
```
```sql
; SELECT 1 / 0;
```
```sql
SELECT 'is not reached';
```
MARKDOWN

my @blocks = blocks($file);
is(join(' ', map { $_->{line} } grep { is_run($_) } @blocks), '1 6 12 17 42 45 49 52 55', 'sql and sh are run where nothing says that they are not');
is_deeply([ map { my $why = trouble_of($_); $why ? "$_->{line}: $why" : () } @blocks ],
    [ '32: test/webhook/nginx.conf has other words', '36: test/webhook/none.conf does not exist', '38: a block of "python" needs a mark' ], 'wrong marks are found');
my @failures = run_page($node, 'postgres', @blocks);
is(join(' ', map { $_->{block}{line} } @failures), '42 45 49 52', 'and what fails');
like($failures[-1]{why}, qr/^psql:.*division by zero/, 'with the error');
is($failures[0]{why}, 'it does not raise that', 'or its absence');
done_testing();
