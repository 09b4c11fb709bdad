#pragma once

#include <microhttpd.h>

#include <mutex>
#include <unordered_map>

#include "gateway/call.hpp"

namespace coach_sms {

// Ends connections whose request does not arrive whole, or whose answer is not read, before a
// deadline. An idle timeout would not end a slow drip. All functions may be called from any thread.
class RequestDeadlines {
 public:
  void add(MHD_Connection* connection, Clock::time_point deadline);
  void move(MHD_Connection* connection, Clock::time_point deadline);
  // Called before libmicrohttpd closes the socket, so that its number is not another's yet.
  void remove(MHD_Connection* connection);
  // Ends the connections whose deadline has passed.
  void enforce(Clock::time_point now);

 private:
  struct Entry {
    int socket;
    Clock::time_point deadline;
  };
  std::mutex mutex_;
  std::unordered_map<MHD_Connection*, Entry> entries_;
};

}  // namespace coach_sms
