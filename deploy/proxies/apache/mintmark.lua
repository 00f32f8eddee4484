-- Asks `mintmark guard` whether a request may pass. Needs LuaSocket (Debian: lua-socket).

local GUARD = "http://127.0.0.1:9090/auth/original"
local TIMEOUT = 10 -- seconds

local http = require "socket.http"
local ltn12 = require "ltn12"

-- Headers of the request that the guard looks at beside its method and path.
local SHOWN = {
    "Authorization", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL",
}
local IDENTITY = {
    "X-Auth-Client-Id", "X-Auth-Subject", "X-Auth-Tenant", "X-Auth-User", "X-Auth-Scopes", "X-Auth-Token-Id",
    "X-Auth-Issuer",
}

-- What a client says of itself is not believed, in whatever spelling.
local function strip(r)
    for name in pairs(r:headers_in_table()) do
        if name:lower():gsub("_", "-"):find("^x%-auth%-") then
            r.headers_in[name] = nil
        end
    end
end

local function ask(r)
    local headers = {
        ["X-Original-Method"] = r.method,
        ["X-Original-URI"] = r.unparsed_uri,
        ["X-Forwarded-For"] = r.useragent_ip,
    }
    for _, name in ipairs(SHOWN) do
        headers[name] = r.headers_in[name]
    end
    http.TIMEOUT = TIMEOUT
    local _, status, answered = http.request {
        url = GUARD, method = "GET", headers = headers, redirect = false, sink = ltn12.sink.null(),
    }
    return status, answered or {}
end

function check(r)
    strip(r)
    local asked, status, answered = pcall(ask, r)
    if asked and status == 200 then
        for _, name in ipairs(IDENTITY) do
            local value = answered[name:lower()] or ""
            if value ~= "" then
                r.headers_in[name] = value
            end
        end
        return apache2.DECLINED
    end
    r.err_headers_out["Cache-Control"] = "no-store"
    if asked and (status == 401 or status == 403) then
        r.err_headers_out["WWW-Authenticate"] = answered["www-authenticate"] or "Bearer"
        return status
    end
    r.err_headers_out["Retry-After"] = asked and answered["retry-after"] or "1"
    return 503
end
