#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/rapidjson.hpp"

namespace coach_sms {

// One text of test/vectors/segment-vectors.json with what Twilio's calculator says of it.
struct SegmentVector {
  struct Count {
    std::string encoding;
    int segments;
    int units;
  };
  std::string id;
  std::string group;
  std::string text;
  Count plain;
  Count smart;
  int plain_segments_by_code_point;
};

// How GoogleTest names one that failed.
inline void PrintTo(const SegmentVector& vector, std::ostream* out) {
  *out << vector.id;
}

inline std::string text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

inline SegmentVector::Count count_of(const rapidjson::Value& value) {
  return {text_of(value["encoding"]), value["segments"].GetInt(), value["units"].GetInt()};
}

inline std::vector<SegmentVector> segment_vectors() {
  const auto path =
      std::filesystem::path(__FILE__).parent_path() / "../vectors/segment-vectors.json";
  std::ifstream file(path);
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  rapidjson::Document document;
  if (document.Parse(json).HasParseError() || !document.IsObject())
    throw std::runtime_error("cannot read " + path.string());

  std::vector<SegmentVector> vectors;
  for (const auto& v : document["vectors"].GetArray())
    vectors.push_back({text_of(v["id"]), text_of(v["group"]), text_of(v["text"]),
                       count_of(v["plain"]), count_of(v["smart"]),
                       v["plain_segments_by_code_point"].GetInt()});
  return vectors;
}

}  // namespace coach_sms
