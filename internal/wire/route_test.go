package wire

import (
	"strings"
	"testing"
)

// TestRoutes: which operation a request reaches, whatever its content type and Host say.
func TestRoutes(t *testing.T) {
	iam := "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20240101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00"
	sts := strings.Replace(iam, "/iam/", "/sts/", 1)
	for _, c := range []struct {
		line    string
		headers []string
		body    string
		want    string
	}{
		{"POST /token?aws_iam=t", []string{"Content-Type: application/x-amz-json-1.1"}, `{"clientId":"c","grantType":"g"}`, "oidc.CreateTokenWithIAM"},
		{"POST http://oidc.eu-west-1.amazonaws.com/token?aws_iam=t", nil, `{"clientId":"c","grantType":"g"}`, "oidc.CreateTokenWithIAM"},
		{"POST /token?aws_iam=t&X-Amz-Signature=1&X-Amz-Expires=60", nil, `{"clientId":"c","grantType":"g"}`, "oidc.CreateTokenWithIAM"},
		{"POST /token", []string{"Content-Type: text/plain", "Authorization: rubbish"}, `{"clientId":"c","grantType":"g"}`, "oidc.CreateToken"},
		{"POST /token?aws_iam=f", nil, `{"clientId":"c","grantType":"g"}`, "oidc.CreateToken"},
		{"GET /assignment/roles?account_id=1&max_result=5", []string{"X-Amz-Sso_bearer_token: t", "Content-Type: application/x-amz-json-1.1"}, "", "portal.ListAccountRoles"},
		{"POST /", []string{"X-Amz-Target: SWB.CreateApplication", "Content-Type: application/json"}, `{"InstanceArn":"arn:1"}`, "admin.CreateApplication"},
		{"POST /", []string{"Content-Type: application/json"}, "Action=AssumeRole&Version=2011-06-15&RoleArn=a", "sts.AssumeRole"},
		{"POST /", nil, "RoleArn=a&Action=AssumeRole", "sts.AssumeRole"},
		{"POST /", []string{iam}, "Action=Shared", "iam.Shared"},
		{"POST /", []string{sts}, "Action=Shared&Version=2011-06-15", "sts.Shared"},
		{"POST /", nil, "Action=Shared&Version=2010-05-08", "iam.Shared"},
		{"GET /?Action=Shared&Version=2011-06-15&X-Amz-Credential=AKIA%2F20240101%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Signature=0", nil, "", "sts.Shared"},
		{"POST /?Action=AssumeRole&RoleArn=a", nil, "DurationSeconds=900", "sts.AssumeRole"},
	} {
		h := newHouse(t)
		r := h.send(c.line, c.headers, c.body)
		got := ""
		if call := h.finished[0]; call.Operation != nil {
			got = call.Service.Name + "." + call.Operation.Name
		}
		if r.Code != 200 || got != c.want {
			t.Errorf("%s: %d %s, reached %q, want %q", c.line, r.Code, r.Body, got, c.want)
		}
	}
}

// TestUnroutable: requests that reach nothing get an answer in the protocol they seem to speak, and an audit event.
func TestUnroutable(t *testing.T) {
	iam := "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20240101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00"
	for _, c := range []struct {
		line    string
		headers []string
		body    string
		status  int
		code    string
	}{
		{"GET /nowhere", nil, "", 404, "UnknownOperationException"},
		{"POST /", nil, `{"a":1}`, 404, "UnknownOperationException"},
		{"GET /", nil, "", 404, "UnknownOperationException"},
		{"PUT /", nil, "Action=AssumeRole", 404, "UnknownOperationException"},
		{"POST //token?aws_iam=t", nil, "{}", 404, "UnknownOperationException"},
		{"POST /token/?aws_iam=t", nil, "{}", 404, "UnknownOperationException"},
		{"POST /Token?aws_iam=t", nil, "{}", 404, "UnknownOperationException"},
		{"GET /token?aws_iam=t", nil, "", 405, "MethodNotAllowedException"},
		{"HEAD /token", nil, "", 405, "MethodNotAllowedException"},
		{"POST /token?aws_iam=t&aws_iam=t", nil, "{}", 400, "InvalidRequestException"},
		{"POST /token?aws_iam=t&AWS_IAM=f", nil, "{}", 400, "InvalidRequestException"},
		{"POST /token?aws_iam=%zz", nil, "{}", 400, "InvalidRequestException"},
		{"POST /token?aws_iam=t&a;b", nil, "{}", 400, "InvalidRequestException"},
		{"POST /assignment/roles", nil, "", 405, "MethodNotAllowedException"},
		{"POST /", []string{"X-Amz-Target: SWB.Nothing"}, "{}", 404, "UnknownOperationException"},
		{"POST /", []string{"X-Amz-Target: swb.CreateApplication"}, "{}", 404, "UnknownOperationException"},
		{"POST /", []string{"X-Amz-Target: CreateApplication"}, "{}", 404, "UnknownOperationException"},
		{"POST /x", []string{"X-Amz-Target: SWB.CreateApplication"}, "{}", 404, "UnknownOperationException"},
		{"GET /", []string{"X-Amz-Target: SWB.CreateApplication"}, "", 405, "MethodNotAllowedException"},
		{"POST /", []string{"X-Amz-Target: SWB.CreateApplication", "X-Amz-Target: SWB.CreateApplication"}, "{}", 400, "SerializationException"},
		{"POST /", nil, "Action=Nothing&Version=2011-06-15", 400, "InvalidAction"},
		{"POST /", nil, "Action=AssumeRole&Version=2010-05-08", 400, "InvalidAction"},
		{"POST /", nil, "Action=Shared", 400, "InvalidAction"},
		{"POST /", []string{iam}, "Action=AssumeRole", 400, "InvalidAction"},
		{"POST /", nil, "Action=AssumeRole&Action=Shared", 400, "MalformedInput"},
		{"POST /?Action=AssumeRole", nil, "Action=Shared", 400, "MalformedInput"},
		{"POST /", nil, "action=AssumeRole", 404, "UnknownOperationException"},
		{"POST /", []string{iam}, "action=Shared", 400, "MissingAction"},
		{"POST /", []string{iam}, "Version=2010-05-08", 400, "MissingAction"},
		{"POST /", []string{iam}, "", 400, "MissingAction"},
		{"POST /", []string{iam}, "%zz", 400, "MissingAction"},
		{"POST /", []string{iam}, "LastAction=x", 400, "MissingAction"},
		{"POST /", []string{strings.Replace(iam, "/iam/", "/sso/", 1)}, "Version=2010-05-08", 404, "UnknownOperationException"},
		{"GET /?X-Amz-Credential=AKIA%2F20240101%2Fus-east-1%2Fiam%2Faws4_request", nil, "", 400, "MissingAction"},
	} {
		h := newHouse(t)
		r := h.send(c.line, c.headers, c.body)
		code := r.Header().Get("X-Amzn-Errortype")
		if strings.Contains(r.Header().Get("Content-Type"), "xml") {
			_, rest, _ := strings.Cut(r.Body.String(), "<Code>")
			code, _, _ = strings.Cut(rest, "</Code>")
		}
		if r.Code != c.status || code != c.code {
			t.Errorf("%s %s: %d %s %s, want %d %s", c.line, c.body, r.Code, code, r.Body, c.status, c.code)
		}
		if h.input != nil || h.finished[0].Err == nil {
			t.Errorf("%s: input %v, error %v", c.line, h.input, h.finished[0].Err)
		}
		if xml := strings.Contains(r.Header().Get("Content-Type"), "xml"); strings.HasPrefix(c.code, "Missing") && !xml {
			t.Errorf("%s: a query client is answered %s", c.line, r.Body)
		}
		if c.status == 405 && r.Header().Get("Allow") == "" {
			t.Errorf("%s: no Allow", c.line)
		}
	}
}

// TestQueryClientElsewhere: what is signed for a query service is answered in XML wherever it goes: its SDK reads nothing else.
func TestQueryClientElsewhere(t *testing.T) {
	iam := "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20240101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00"
	for _, line := range []string{"POST /nowhere", "PUT /", "DELETE /", "POST //"} {
		h := newHouse(t)
		r := h.send(line, []string{iam}, "Action=Shared&Version=2010-05-08")
		if r.Code != 404 || r.Header().Get("Content-Type") != "text/xml" || !strings.Contains(r.Body.String(), "<Code>UnknownOperationException</Code>") {
			t.Errorf("%s: %d %s", line, r.Code, r.Body)
		}
	}
}

func TestRestMembers(t *testing.T) {
	h := newHouse(t)
	bearer := "X-Amz-Sso_bearer_token: tok"
	if r := h.send("GET /assignment/roles?next_token=n&account_id=1", []string{bearer}, ""); r.Code != 200 || r.Body.String() != `{"roleList":[]}` {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if in := h.input.(*rolesInput); in.Bearer != "tok" || in.Account != "1" || in.Max != nil || *in.Next != "n" {
		t.Errorf("%+v", in)
	}
	for _, c := range []struct {
		query   string
		headers []string
		says    string
	}{
		{"", []string{bearer}, "'accountId'"},
		{"account_id=1", nil, "'accessToken'"},
		{"account_id=1", []string{bearer, bearer}, "more than once"},
		{"account_id=1&account_id=2", []string{bearer}, "more than once"},
		{"account_id=1&Account_Id=2", []string{bearer}, "more than once"},
		{"Account_Id=2", []string{bearer}, "the name is 'account_id'"},
		{"account_id=1&max_result=x", []string{bearer}, "'maxResults' must be an integer"},
		{"account_id=1&max_result=101", []string{bearer}, "Value '101' at 'maxResults'"},
		{"account_id=%ff", []string{bearer}, "UTF-8"},
	} {
		r := h.send("GET /assignment/roles?"+c.query, c.headers, "")
		message, _ := r.body["message"].(string)
		if r.Code != 400 || r.Header().Get("X-Amzn-Errortype") != "InvalidRequestException" || !strings.Contains(message, c.says) || len(r.body) != 1 {
			t.Errorf("%s: %d %s, want %s", c.query, r.Code, r.Body, c.says)
		}
	}
	// Members of the body do not belong in the query string.
	if r := h.send("POST /token?aws_iam=t&assertion=x", nil, `{"clientId":"c","grantType":"g"}`); r.Code != 400 ||
		!strings.Contains(r.body["error_description"].(string), "'assertion' belongs in the request body") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}
