-- Requests for wrk: those of the file named by the first argument in turn, each a line of its method and its headers with tabs between.
local requests = {}
local at = 0

function init(args)
  for line in io.lines(args[1]) do
    local method = nil
    local headers = {}
    for part in line:gmatch('[^\t]+') do
      if method == nil then
        method = part
      else
        local name, value = part:match('^(.-): (.*)$')
        headers[name] = value
      end
    end
    -- An empty body, not none, so that there is a Content-Length as browsers send it.
    requests[#requests + 1] = wrk.format(method, '/', headers, method == 'POST' and '' or nil)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
