#include "gateway/process_figures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace coach_sms {

namespace {

// When the process began, in seconds of Unix time. This file is loaded with the program.
const double kBegin = std::round(
    std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());

double processor_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

void add_memory(MetricText* text) {
  double virtual_pages = 0;
  double resident_pages = 0;
  if (!(std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages)) return;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  text->add_one("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
                virtual_pages * page);
  text->add_one("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
                resident_pages * page);
}

void add_files(MetricText* text) {
  std::error_code problem;
  const std::filesystem::directory_iterator files("/proc/self/fd", problem);
  if (problem) return;
  text->add_one("process_open_fds", "gauge", "Number of open file descriptors.",
                static_cast<double>(std::distance(files, {})));
  rlimit most{};
  getrlimit(RLIMIT_NOFILE, &most);
  text->add_one("process_max_fds", "gauge", "Maximum number of open file descriptors.",
                static_cast<double>(most.rlim_cur));
}

}  // namespace

void add_process_figures(MetricText* text) {
  text->add_one("process_cpu_seconds_total", "counter",
                "Total user and system CPU time spent in seconds.", processor_seconds());
  text->add_one("process_start_time_seconds", "gauge",
                "Start time of the process since unix epoch in seconds.", kBegin);
  add_memory(text);
  add_files(text);
}

}  // namespace coach_sms
