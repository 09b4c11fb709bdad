-- For wrk: posts signed calls, each once. Each line of the file is a target, a signature and a body.
--   wrk -t2 -c8 -d5s -s calls.lua http://127.0.0.1:8080 -- FILE THREADS

local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(arguments)
  calls = {}
  next_call = 1
  local line_number = 0
  for line in io.lines(arguments[1]) do
    if line_number % tonumber(arguments[2]) == id then
      local target, signature, body = line:match("^(.-)\t(.-)\t(.-)$")
      calls[#calls + 1] = wrk.format("POST", target, { ["X-Twilio-Signature"] = signature,
        ["Content-Type"] = "application/x-www-form-urlencoded" }, body)
    end
    line_number = line_number + 1
  end
end

function request()
  local call = calls[next_call]
  next_call = next_call + 1
  if call == nil then
    wrk.thread:stop()
    return calls[1]
  end
  return call
end
