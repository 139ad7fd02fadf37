package sigv4

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sign signs r (header form) as an SDK would: for demo, tests and the load generator. It sets X-Amz-Date,
// X-Amz-Security-Token where there is one, and Authorization, replacing what was there; host, content-type and every
// x-amz-* header are signed. Of a header that has several values the first is kept, since second copies are refused.
// r.URL must not be opaque; body must be what r will send.
func Sign(r *http.Request, body []byte, c Credential, sessionToken, service, region string, at time.Time) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Del(headerAuthorization)
	r.Header.Set(headerDate, at.UTC().Format(timeFormat))
	r.Header.Del(headerSecurityToken)
	if sessionToken != "" {
		r.Header.Set(headerSecurityToken, sessionToken)
	}
	cl := newClaim(c.AccessKeyID, service, region, at)
	cl.signedHeaders = headersToSign(r.Header)
	signature := sign(r, body, c, cl)
	r.Header.Set(headerAuthorization, algorithm+" Credential="+cl.credential()+
		", SignedHeaders="+cl.signedHeaders+", Signature="+signature)
}

// Presign puts the signature into r's query: Sign for requests that cannot carry the header. The request holds until at
// plus expires, of which whole seconds count; a Verifier accepts at most a minute.
func Presign(r *http.Request, body []byte, c Credential, sessionToken, service, region string, at time.Time, expires time.Duration) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	for _, name := range [...]string{headerAuthorization, headerDate, headerSecurityToken} {
		r.Header.Del(name)
	}
	cl := newClaim(c.AccessKeyID, service, region, at)
	cl.presigned = true
	cl.signedHeaders = headersToSign(r.Header)
	query := r.URL.Query()
	for _, name := range reserved {
		query.Del(name)
	}
	query.Set(queryAlgorithm, algorithm)
	query.Set(queryCredential, cl.credential())
	query.Set(queryDate, cl.timestamp)
	query.Set(queryExpires, strconv.FormatInt(int64(expires/time.Second), 10))
	query.Set(querySignedHeaders, cl.signedHeaders)
	if sessionToken != "" {
		query.Set(querySecurityToken, sessionToken)
	}
	r.URL.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	received := r.RequestURI != "" // a server's request, as httptest makes them
	r.RequestURI = ""
	r.URL.RawQuery += "&" + querySignature + "=" + sign(r, body, c, cl)
	if received {
		r.RequestURI = r.URL.RequestURI()
	}
}

func newClaim(accessKeyID, service, region string, at time.Time) *claim {
	timestamp := at.UTC().Format(timeFormat)
	return &claim{
		accessKeyID: accessKeyID,
		timestamp:   timestamp,
		scope:       scope{timestamp[:len("20060102")], region, service, terminator},
	}
}

func (c *claim) credential() string {
	return c.accessKeyID + "/" + c.scope.date + "/" + c.scope.region + "/" + c.scope.service + "/" + c.scope.terminator
}

// headersToSign lists host, content-type and every x-amz-* header, and leaves one value of each.
func headersToSign(h http.Header) string {
	names := []string{"host"}
	for name, values := range h {
		if len(values) > 0 && (name == "Content-Type" || hasPrefixFold(name, amzPrefix)) {
			h[name] = values[:1]
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ";")
}

// sign returns the signature in hex.
func sign(r *http.Request, body []byte, cred Credential, c *claim) string {
	t, _ := parseTarget(r)
	m := message{
		method:        r.Method,
		path:          t.path,
		query:         t.query,
		presigned:     c.presigned,
		host:          host(r),
		header:        r.Header,
		signedHeaders: c.signedHeaders,
		bodyHash:      hashBody(body),
	}
	if m.method == "" {
		m.method = http.MethodGet
	}
	var f forms
	f.add(m.appendCanonical(nil, normalizePath(t.path)), c.timestamp, c.scope)
	key := deriveKey(cred.SecretAccessKey, c.scope)
	return hex.EncodeToString(mac(key[:], f.text[0]))
}
