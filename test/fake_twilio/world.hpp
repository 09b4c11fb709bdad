#pragma once

#include <atomic>
#include <string>

#include "accounts.hpp"
#include "callbacks.hpp"
#include "counters.hpp"
#include "ledger.hpp"
#include "opt_outs.hpp"
#include "options.hpp"
#include "parking.hpp"
#include "request_log.hpp"
#include "scenario.hpp"

namespace fake_twilio {

// All that the fake knows, shared by its threads. Each part guards itself. The order is that of
// use: what stands below may call what stands above.
struct World {
  explicit World(const Options& given)
      : options(given), list_lag(given.list_lag_s * kSecond), accounts(given.credentials) {
    set_delay();
  }

  void forget_all() {
    callbacks.forget_all();
    ledger.forget_all();
    opt_outs.forget_all();
    requests.forget_all();
    scenarios.forget_all();
    counters.forget_all();
    list_lag = options.list_lag_s * kSecond;
    clock.shift_to(0);
    set_delay();
  }

  void set_delay() {
    if (options.delay_ms == 0) return;
    scenarios.set_default("delay=" + std::to_string(options.delay_ms));
  }

  const Options options;
  std::atomic<Micros> list_lag;
  const Accounts accounts;
  SidMint mint;
  Clock clock;
  Parking parking;
  Counters counters{parking};
  Ledger ledger;
  OptOuts opt_outs;
  RequestLog requests;
  Scenarios scenarios;
  Callbacks callbacks{options.callbacks, accounts, clock, mint, ledger, counters, parking};
};

}  // namespace fake_twilio
