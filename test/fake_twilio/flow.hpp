#pragma once

#include "exchange.hpp"
#include "world.hpp"

namespace fake_twilio {

// Takes one request through its stages: arrived, composing, holding, answering. A step ends when
// the answer is ready, the connection shall break, or the request is parked; in the last case the
// next step is taken when it is woken.
class Flow {
 public:
  explicit Flow(World& world) : world_(world) {}

  // The headers are here: notes the time and what is asked for.
  void open(Exchange& exchange);
  // The whole request is here, or its parked time is over.
  Verdict step(Exchange& exchange);
  // The last byte of the answer is out, or the connection is gone.
  void close(Exchange& exchange, bool answered);

 private:
  Verdict arrived(Exchange& exchange);
  Verdict composing(Exchange& exchange);
  Verdict holding(Exchange& exchange);
  bool read_request(Exchange& exchange);
  bool compose_create(Exchange& exchange);
  void accept(Exchange& exchange, const Order& order);
  bool lost_or_late(const Scenario& scenario) const;

  World& world_;
};

}  // namespace fake_twilio
