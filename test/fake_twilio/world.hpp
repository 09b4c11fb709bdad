#pragma once

#include <atomic>
#include <string>

#include "callbacks.hpp"
#include "options.hpp"
#include "pauses.hpp"
#include "records.hpp"
#include "scenario.hpp"

namespace fake_twilio {

// All that the fake knows, shared by its threads. Each part guards itself.
struct World {
  explicit World(const Options& given) : options(given) { set_up(); }

  void forget_all() {
    callbacks.forget_all();
    records.forget_all();
    scenarios.forget_all();
    set_up();
  }

  const Options options;
  std::atomic<long> list_lag_s{0};
  Pauses pauses;
  Records records;
  Scenarios scenarios;
  Callbacks callbacks{options, records};

 private:
  void set_up() {
    list_lag_s = options.list_lag_s;
    if (options.delay_ms != 0) scenarios.set_default("delay=" + std::to_string(options.delay_ms));
  }
};

}  // namespace fake_twilio
