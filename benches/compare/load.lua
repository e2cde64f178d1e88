-- Argument 1, if any: post a body of so many bytes instead of getting. The request is formatted once, so no Lua runs per request.
function init(arguments)
  local size = tonumber(arguments[1])
  if size then
    wrk.method = "POST"
    wrk.body = string.rep("x", size)
  end
end

-- wrk's own report rounds; these are microseconds.
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "failed": %d, "timeouts": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
