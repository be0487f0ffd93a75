-- Requests for wrk: one after the other with each of the cookies in the file named by the first argument.
local requests = {}
local at = 0

function init(args)
  for cookie in io.lines(args[1]) do
    if cookie == '' then
      requests[#requests + 1] = wrk.format('GET', '/')
    else
      requests[#requests + 1] = wrk.format('GET', '/', { Cookie = cookie })
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
