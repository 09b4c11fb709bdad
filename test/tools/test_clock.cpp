// A clock that a test moves: preloaded into a server (CoachSms::Clock), it adds to the machine's
// clock what an eight-byte file says, in microseconds, and follows every change of it. What
// measures lengths (CLOCK_MONOTONIC, sleeping) stays as it is.
//
// Debian's libfaketime was tried and is not enough: it does not fake what happens while select()
// waits, and up to version 15 that is where the postmaster's signal handlers run, and fork. Those
// processes would keep the real time.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNanosPerMicro = 1000;

const volatile std::int64_t* ahead = nullptr;

// The mapping is inherited by what the postmaster forks.
__attribute__((constructor)) void map_file() {
  const char* path = std::getenv("COACH_SMS_TEST_CLOCK");
  if (!path) return;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void* page = mmap(nullptr, sizeof(*ahead), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page != MAP_FAILED) ahead = static_cast<std::int64_t*>(page);
}

// A plain system call: safe in a signal handler, and nobody else's wrapper is in between.
std::int64_t now() {
  timespec real{};
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
  return real.tv_sec * kSecond + real.tv_nsec / kNanosPerMicro + (ahead ? *ahead : 0);
}

bool is_calendar(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* result) noexcept {
  if (!is_calendar(clock)) return static_cast<int>(syscall(SYS_clock_gettime, clock, result));
  const std::int64_t time = now();
  result->tv_sec = time / kSecond;
  result->tv_nsec = time % kSecond * kNanosPerMicro;
  return 0;
}

int gettimeofday(timeval* result, void*) noexcept {
  const std::int64_t time = now();
  result->tv_sec = time / kSecond;
  result->tv_usec = time % kSecond;
  return 0;
}

time_t time(time_t* result) noexcept {
  const time_t seconds = now() / kSecond;
  if (result) *result = seconds;
  return seconds;
}

}  // extern "C"
