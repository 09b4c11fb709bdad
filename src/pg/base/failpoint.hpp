#pragma once

// Failpoints: named places where a test can stop, kill, fail or hold this process. They exist only
// if the library is built with -DCOACH_SMS_FAILPOINTS. The superuser's setting coach_sms.failpoint
// arms them. It is a list of name=action or name=action@N, where N counts passes since the setting
// last changed:
//
//   stop    SIGSTOP to itself: frozen until the test sends SIGCONT
//   kill    SIGKILL to itself: a crash
//   error   an ERROR, as a failing statement would raise it
//   wait    waits until the setting no longer names it; answers interrupts and reloads meanwhile
//
// Use `error` and `wait` only where PostgreSQL code may run, not in the thread for HTTP.

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
