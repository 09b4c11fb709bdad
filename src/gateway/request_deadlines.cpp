#include "gateway/request_deadlines.hpp"

#include <sys/socket.h>

namespace coach_sms {

void RequestDeadlines::add(MHD_Connection* connection, Clock::time_point deadline) {
  const int socket =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  const std::lock_guard lock(mutex_);
  entries_[connection] = {socket, deadline};
}

void RequestDeadlines::move(MHD_Connection* connection, Clock::time_point deadline) {
  const std::lock_guard lock(mutex_);
  if (const auto entry = entries_.find(connection); entry != entries_.end())
    entry->second.deadline = deadline;
}

void RequestDeadlines::remove(MHD_Connection* connection) {
  const std::lock_guard lock(mutex_);
  entries_.erase(connection);
}

void RequestDeadlines::enforce(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  // libmicrohttpd sees the end of the connection and closes it.
  for (const auto& [connection, entry] : entries_)
    if (entry.deadline <= now) shutdown(entry.socket, SHUT_RDWR);
}

}  // namespace coach_sms
