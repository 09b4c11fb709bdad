#include "core/sending/senders.hpp"

#include <algorithm>

namespace coach_sms {

int Senders::capacity(const std::string& name, std::int64_t now) const {
  const auto found = senders_.find(name);
  if (found == senders_.end()) return kUnlimited;
  const Sender& sender = found->second;
  if (!sender.circuit.is_open()) return kUnlimited;
  return sender.circuit.held_until() > now ? 0 : std::max(0, 1 - sender.in_flight);
}

std::int64_t Senders::held_until(const std::string& name) const {
  const auto found = senders_.find(name);
  const bool is_open = found != senders_.end() && found->second.circuit.is_open();
  return is_open ? found->second.circuit.held_until() : 0;
}

std::optional<Hold> Senders::hold_of(const std::string& name) const {
  const auto found = senders_.find(name);
  if (found == senders_.end() || !found->second.circuit.is_open()) return std::nullopt;
  return Hold{"Twilio refuses the sender: error " + found->second.error_code, kNever, true};
}

void Senders::started(const std::string& name) {
  ++senders_[name].in_flight;
}

std::int64_t Senders::finished(const std::string& name, const std::string& to,
                               const Settlement& settlement, std::int64_t now) {
  Sender& sender = senders_[name];
  sender.in_flight = std::max(0, sender.in_flight - 1);
  if (settlement.outcome == Outcome::kAccepted) {
    sender.refused_to.clear();
    sender.circuit.close();
  }
  if (!settlement.blames_sender) return 0;
  const bool refused_to_another = !sender.refused_to.empty() && sender.refused_to != to;
  sender.refused_to = to;
  sender.error_code = settlement.error_code;
  return sender.circuit.is_open() || refused_to_another ? sender.circuit.open(now) : 0;
}

void Senders::dropped(const std::string& name) {
  Sender& sender = senders_[name];
  sender.in_flight = std::max(0, sender.in_flight - 1);
}

void Senders::probe_soon(std::int64_t now) {
  const std::int64_t at = probes_.next(now);
  for (auto& [name, sender] : senders_)
    sender.circuit.probe_at(at);
}

void Senders::release_all() {
  probes_.release();
  for (auto& [name, sender] : senders_)
    sender.circuit.release();
}

}  // namespace coach_sms
