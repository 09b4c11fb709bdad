#pragma once

// Named places where a test can stop, kill, fail or hold this process; nothing at all unless the
// library is built with -DCOACH_SMS_FAILPOINTS. Armed by the superuser's setting
// coach_sms.failpoint, a list of name=action or name=action@N (only the N-th pass since the
// setting last changed):
//
//   stop    SIGSTOP to itself: frozen until the test sends SIGCONT
//   kill    SIGKILL to itself: a crash
//   error   an ERROR, as a failing statement would raise it
//   wait    waits until the setting no longer names it; answers interrupts and reloads meanwhile
//
// `error` and `wait` are only for places where PostgreSQL code may run, not for libcurl callbacks.

namespace coach_sms {

#ifdef COACH_SMS_FAILPOINTS
void define_failpoints();
void pass_failpoint(const char* name);
#define FAILPOINT(name) ::coach_sms::pass_failpoint(name)
#else
inline void define_failpoints() {}
#define FAILPOINT(name) ((void)0)
#endif

}  // namespace coach_sms
