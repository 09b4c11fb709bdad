#pragma once

#include <string>

#include "core/base/error.hpp"

namespace coach_sms {

[[noreturn]] inline void raise_rapidjson_misuse(const char* assertion) {
  throw Error(ErrorKind::kInternal, std::string("RapidJSON was misused: ") + assertion);
}

}  // namespace coach_sms

// Every file includes RapidJSON through this header. A namespace of our own keeps our copy apart
// from the RapidJSON of another extension in the same server. A failed assertion throws an error
// and does not abort the server.
#define RAPIDJSON_NAMESPACE coach_sms_rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN namespace RAPIDJSON_NAMESPACE {
#define RAPIDJSON_NAMESPACE_END }
#define RAPIDJSON_HAS_STDSTRING 1
#define RAPIDJSON_ASSERT(x) ((x) ? static_cast<void>(0) : ::coach_sms::raise_rapidjson_misuse(#x))

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace coach_sms {
namespace rapidjson = ::RAPIDJSON_NAMESPACE;
}
