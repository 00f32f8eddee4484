-- Asks `mintmark guard` whether a request may pass, by HAProxy's own HTTP client.

local GUARD = "http://127.0.0.1:9090/auth/original"
local TIMEOUT = 10000 -- milliseconds

-- Headers of the request that the guard looks at beside its method and path.
local SHOWN = {
    "authorization", "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
}
local IDENTITY = {
    "x-auth-client-id", "x-auth-subject", "x-auth-tenant", "x-auth-user", "x-auth-scopes", "x-auth-token-id",
    "x-auth-issuer",
}

-- Every value of a header, in a list that begins at 1.
local function values(headers, name)
    local list = {}
    local found = headers and headers[name]
    if found then
        for index = 0, #found do
            if found[index] ~= nil then
                list[#list + 1] = found[index]
            end
        end
    end
    return list
end

core.register_action("mintmark", { "http-req" }, function(txn)
    txn:set_var("txn.mintmark_status", 503)
    txn:set_var("txn.mintmark_retry_after", "1")
    local asked = txn.http:req_get_headers()
    local headers = {
        ["x-original-method"] = { txn.sf:method() },
        ["x-original-uri"] = { txn.sf:pathq() },
        ["x-forwarded-for"] = { txn.sf:src() },
    }
    for _, name in ipairs(SHOWN) do
        local list = values(asked, name)
        if #list > 0 then
            headers[name] = list
        end
    end
    local answer = core.httpclient():get({ url = GUARD, headers = headers, timeout = TIMEOUT })
    local status = answer and answer.status or 0
    if status == 200 then
        for _, name in ipairs(IDENTITY) do
            local value = values(answer.headers, name)[1] or ""
            txn.http:req_del_header(name)
            if value ~= "" then
                txn.http:req_set_header(name, value)
            end
        end
        txn:set_var("txn.mintmark_status", 200)
    elseif status == 401 or status == 403 then
        txn:set_var("txn.mintmark_challenge", values(answer.headers, "www-authenticate")[1] or "Bearer")
        txn:set_var("txn.mintmark_body", answer.body or "")
        txn:set_var("txn.mintmark_status", status)
    else
        txn:set_var("txn.mintmark_retry_after", values(answer and answer.headers, "retry-after")[1] or "1")
    end
end)
