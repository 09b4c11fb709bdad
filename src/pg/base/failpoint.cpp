#include "pg/base/failpoint.hpp"

#ifdef COACH_SMS_FAILPOINTS

#include <csignal>
#include <mutex>

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr int kMaxPoints = 32;
constexpr int kWaitInterval = 50;  // milliseconds

struct Passes {
  char name[64];
  int count;
};

struct Order {
  char action[16];
  int at_pass;  // 0: every pass
};

char* setting;

// The thread for HTTP passes failpoints too, so it must not read the setting, which changes.
std::mutex mutex;  // of the two below
char armed[1024];
Passes passes[kMaxPoints];

void arm(const char* text, void*) {
  const std::lock_guard lock(mutex);
  strlcpy(armed, text, sizeof(armed));
  memset(passes, 0, sizeof(passes));
}

int count_pass(const char* name) {
  for (Passes& point : passes) {
    if (point.name[0] == '\0') strlcpy(point.name, name, sizeof(point.name));
    if (strcmp(point.name, name) == 0) return ++point.count;
  }
  return 0;
}

// Finds the order for `name`. Allocates nothing, since it may run anywhere.
bool find_order(const char* name, Order* order) {
  const size_t name_length = strlen(name);
  for (const char* item = armed; *item != '\0';) {
    item += strspn(item, ", ");
    const size_t item_length = strcspn(item, ", ");
    if (strncmp(item, name, name_length) == 0 && item[name_length] == '=') {
      const char* action = item + name_length + 1;
      const size_t length = strcspn(action, "@, ");
      if (length >= sizeof(order->action)) return false;
      memcpy(order->action, action, length);
      order->action[length] = '\0';
      order->at_pass = action[length] == '@' ? atoi(action + length + 1) : 0;
      return true;
    }
    item += item_length;
  }
  return false;
}

// Returns whether the setting has an order for this pass.
bool take_order(const char* name, Order* order) {
  const std::lock_guard lock(mutex);
  return find_order(name, order) && (order->at_pass == 0 || count_pass(name) == order->at_pass);
}

bool is_armed(const char* name) {
  const std::lock_guard lock(mutex);
  Order order;
  return find_order(name, &order);
}

void wait_while_armed(const char* name) {
  while (is_armed(name)) {
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kWaitInterval,
              PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (!ConfigReloadPending) continue;
    ConfigReloadPending = false;
    ProcessConfigFile(PGC_SIGHUP);
  }
  SetLatch(MyLatch);  // wakes the caller's loop for events whose latch this wait consumed
}

}  // namespace

void define_failpoints() {
  DefineCustomStringVariable("coach_sms.failpoint", "Armed failpoints: name=action[@pass], ...",
                             nullptr, &setting, "", PGC_SUSET, GUC_SUPERUSER_ONLY, nullptr, arm,
                             nullptr);
}

void pass_failpoint(const char* name) {
  Order order;
  if (!take_order(name, &order)) return;
  if (strcmp(order.action, "stop") == 0) raise(SIGSTOP);
  if (strcmp(order.action, "kill") == 0) raise(SIGKILL);
  if (strcmp(order.action, "error") == 0) elog(ERROR, "failpoint \"%s\"", name);
  if (strcmp(order.action, "wait") == 0) wait_while_armed(name);
}

}  // namespace coach_sms

#endif
