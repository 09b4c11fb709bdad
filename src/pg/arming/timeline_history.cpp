#include "pg/arming/timeline_history.hpp"

// A timeline's history file (pg_wal/XXXXXXXX.history) has a line for each earlier timeline: its
// number, the position at which it was left, and the reason. The reason of a promotion is the text
// below (xlogrecovery.c).

namespace coach_sms {

namespace {

constexpr char kPromoted[] = "no recovery target specified";

const char* read_target(const char* path, TimeLineID since) {
  FILE* file = AllocateFile(path, "r");
  if (file == nullptr) return "a point that is not known: its history file cannot be read";
  char line[MAXPGPATH];
  const char* target = nullptr;
  while (target == nullptr && fgets(line, sizeof line, file) != nullptr) {
    TimeLineID left;
    uint32 high;
    uint32 low;
    int reason = 0;
    if (sscanf(line, "%u\t%X/%X\t%n", &left, &high, &low, &reason) != 3 || reason == 0) continue;
    line[strcspn(line, "\n")] = '\0';
    if (left >= since && strcmp(line + reason, kPromoted) != 0) target = pstrdup(line + reason);
  }
  FreeFile(file);
  return target;
}

}  // namespace

const char* recovery_target_since(TimeLineID timeline) {
  static TimeLineID unharmed;  // cached, since the sender asks before each batch
  const TimeLineID now = GetWALInsertionTimeLine();
  if (timeline == now || timeline == unharmed) return nullptr;
  char path[MAXPGPATH];
  TLHistoryFilePath(path, now);
  const char* target = read_target(path, timeline);
  if (target == nullptr) unharmed = timeline;
  return target;
}

}  // namespace coach_sms
