#include "gateway/gateway.hpp"

#include <thread>
#include <utility>

#include "gateway/log.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kPrivateConnections = 64;
constexpr unsigned kOfficeConnections = 64;
constexpr auto kLastArrivals = 1s;  // for requests that are half there when the gateway ends
constexpr auto kLastAnswers = 1s;   // for answers that are on their way out

}  // namespace

Gateway::Gateway(Options options)
    : options_(std::move(options)),
      queue_(options_.held_calls, options_.held_bytes),
      health_(options_.dbname),
      metrics_(options_.dbname, options_.metrics_by_org,
               [this](MetricText* text) { add_own_figures(text); }),
      office_(options_.dbname, options_.office_behind_proxy),
      public_site_(&options_, &queue_),
      private_site_(&health_, &metrics_),
      office_site_(&office_, options_.office_behind_proxy) {
  // No call is taken before all else could begin.
  private_server_ =
      std::make_unique<HttpServer>(ServerOptions{options_.listen_private, kPrivateConnections, 0,
                                                 true, options_.request_time, options_.access_log},
                                   &private_site_);
  if (!options_.office.empty())
    office_server_ =
        std::make_unique<HttpServer>(ServerOptions{options_.office, kOfficeConnections, 0, true,
                                                   options_.request_time, options_.access_log},
                                     &office_site_);
  public_server_ = std::make_unique<HttpServer>(
      ServerOptions{options_.listen, options_.connections, options_.connections_per_address, false,
                    options_.request_time, options_.access_log},
      &public_site_);
  shown_ = public_server_.get();
  try {
    workers_.reserve(options_.database_connections);
    for (unsigned i = 0; i < options_.database_connections; ++i)
      workers_.push_back(std::make_unique<CallWorker>(options_.dbname, &queue_, &news_));
  } catch (...) {  // the system has no thread left
    end();
    throw;
  }
}

Gateway::~Gateway() {
  end();
}

void Gateway::end() {
  public_server_->close_door();
  const Clock::time_point last_arrival = Clock::now() + kLastArrivals;
  while (public_server_->connections() > 0 && Clock::now() < last_arrival)
    pause();
  queue_.close();
  // A suspended connection must be resumed before its server ends. Calls end after hold_time.
  while (queue_.held() > 0)
    pause();
  const Clock::time_point last_answer = Clock::now() + kLastAnswers;
  while (public_server_->visits() > 0 && Clock::now() < last_answer)
    pause();
  health_.give_up();
  metrics_.give_up();
  office_.give_up();
  for (const auto& worker : workers_)
    worker->end();
  workers_.clear();
}

void Gateway::pause() {
  tick();
  std::this_thread::sleep_for(10ms);
}

void Gateway::add_own_figures(MetricText* text) const {
  const HttpServer* server = shown_;
  if (server == nullptr) return;
  constexpr const char* kAnswers = "coach_sms_gateway_requests_total";
  text->begin(
      kAnswers, "counter",
      "Requests at the public port, by the status answered. Malformed ones are not counted.");
  for (const auto& [status, count] : server->answers().counts())
    text->add(kAnswers, {{"status", std::to_string(status)}}, std::to_string(count));
  text->add_one("coach_sms_gateway_connections", "gauge", "Open connections at the public port.",
                server->connections());
  text->add_one("coach_sms_gateway_held_calls", "gauge",
                "Calls that wait for the database or its answer.",
                static_cast<double>(queue_.held()));
}

void Gateway::tick() {
  public_server_->enforce_deadlines();
  private_server_->enforce_deadlines();
  if (office_server_ != nullptr) office_server_->enforce_deadlines();
  office_.close_idle();
  if (const int late = queue_.expire(Clock::now()); late > 0)
    log_line("answered 503, since the database did not take them in time: calls: " +
             std::to_string(late));
}

}  // namespace coach_sms
