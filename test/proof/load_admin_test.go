package proof

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// session is a browser's: what was issued in it dies with the sign-out.
func (l *load) session() bool {
	b, err := l.s.trySignIn()
	if err != nil {
		return l.gaveUp(err)
	}
	born, witness := b.last, b.clone()
	th := l.thing(&thing{what: "a browser's session", remote: true, model: sessionModel(), born: &born, probe: func(a *aftermath) {
		all := func() {
			a.record(input{kind: authorize}, witness.ask(rand.Text()+rand.Text()))
			for _, k := range tokensOf(a.certain) {
				a.ask(introspectAccess, "", l.s.introspect("web", k.AccessToken))
				a.ask(introspectRefresh, "", l.s.introspect("web", k.RefreshToken))
			}
		}
		all()
		if out := witness.clone().signOut(); out.sent {
			a.record(input{kind: signOut}, out)
		}
		all()
	}})
	for range 2 {
		verifier := rand.Text() + rand.Text()
		asked, ok := l.done(th, input{kind: authorize}, b.ask(verifier))
		if !ok {
			return false
		}
		if _, ok := l.do(th, input{kind: exchange}, l.s.redeem(asked.code(), verifier)); !ok {
			return false
		}
	}
	ok := true
	if chance() {
		_, ok = l.done(th, input{kind: signOut}, b.signOut())
	}
	return ok
}

// group creates one by a name, perhaps twice, and perhaps deletes it.
func (l *load) group() bool {
	name := rand.Text()
	creation := l.directory("CreateGroup", map[string]any{"DisplayName": name})
	search := l.directory("GetGroupId", map[string]any{
		"AlternateIdentifier": map[string]any{"UniqueAttribute": map[string]any{"AttributePath": "displayName", "AttributeValue": name}},
	})
	removal := func(a answer) *call {
		id, _ := a.member("GroupId")
		return l.directory("DeleteGroup", map[string]any{"GroupId": id})
	}
	th := l.thing(&thing{what: "a group", model: nameModel(), probe: func(a *aftermath) {
		found := a.ask(find, "", search)
		created := a.ask(create, "", creation)
		a.ask(create, "", creation)
		if found.status != http.StatusOK {
			found = created
		}
		a.ask(remove, "", removal(found))
		a.ask(find, "", search)
	}})
	created, ok := l.do(th, input{kind: create}, creation)
	if ok && chance() {
		var a answer
		a, _ = l.do(th, input{kind: create}, creation)
		ok = a.status == http.StatusConflict
	}
	if ok && chance() {
		_, ok = l.do(th, input{kind: remove}, removal(created))
	}
	return ok
}

// directory prepares an operation of the identity store.
func (l *load) directory(operation string, request map[string]any) *call {
	request["IdentityStoreId"] = l.s.identityStore
	return l.s.admin("identitystore", "AWSIdentityStore."+operation, request)
}

// application creates one, changes it several times and perhaps deletes it.
func (l *load) application() bool {
	born, ok := l.newApplication()
	if !ok {
		return false
	}
	arn, _ := born.member("ApplicationArn")
	on := func(operation string, more ...any) *call { return l.s.onApplication(arn, operation, more...) }
	th := l.thing(&thing{what: "an application", model: recordModel("new"), born: &born, probe: func(a *aftermath) {
		a.ask(read, "Description", on("DescribeApplication"))
		a.ask(write, "after", on("UpdateApplication", "Description", "after"))
		a.ask(read, "Description", on("DescribeApplication"))
	}})
	for i := 0; ok && i < 4; i++ {
		value := rand.Text()
		_, ok = l.do(th, input{kind: write, token: value}, on("UpdateApplication", "Description", value))
	}
	if ok && chance() {
		_, ok = l.do(th, input{kind: remove}, on("DeleteApplication"))
	}
	return ok
}

func (l *load) newApplication() (answer, bool) {
	return l.do(nil, input{kind: create}, l.s.admin("sso", "SWBExternalService.CreateApplication", map[string]any{
		"InstanceArn": l.s.instance, "Name": rand.Text(), "Description": "new",
		"ApplicationProviderArn": "arn:aws:sso::aws:applicationProvider/custom",
	}))
}

// onApplication prepares an operation on one; members are name and value in turn.
func (s *server) onApplication(arn, operation string, members ...any) *call {
	request := map[string]any{"ApplicationArn": arn}
	for i := 0; i < len(members); i += 2 {
		request[members[i].(string)] = members[i+1]
	}
	return s.admin("sso", "SWBExternalService."+operation, request)
}

// file applies an organization file of many applications again and again, with policies so long that the store's log soon has to begin
// anew. All of a file is in force, or none of it.
func (l *load) file() bool {
	const many = 100
	prefix := rand.Text()
	change := func(value string) answer {
		var text strings.Builder
		text.WriteString("instance: { name: proof, account: \"111122223333\" }\napplications:\n")
		for i := range many {
			fmt.Fprintf(&text, `  - { name: "%s-%d", actorPolicy: { Version: "2012-10-17", Statement: [ { Sid: "%s", Effect: Allow, Principal: { AWS: "111122223333" }, `+
				`Action: "sso-oauth:CreateTokenWithIAM", Resource: "*", Condition: { StringNotEquals: { "aws:PrincipalTag/a": "%s" } } } ] } }`+"\n",
				prefix, i, value, strings.Repeat("0", 19_000))
		}
		return l.s.apply(text.String())
	}
	arns := make([]string, 3) // of some of the applications
	look := func() answer {
		a := answer{status: http.StatusNotFound}
		seen := ""
		for i, arn := range arns {
			a = l.s.onApplication(arn, "GetApplicationAuthenticationMethod", "AuthenticationMethodType", "IAM").send()
			_, rest, _ := strings.Cut(string(a.body), `"Sid":"`)
			value, _, _ := strings.Cut(rest, `"`)
			if i > 0 && value != seen {
				value = "some of " + value + ", some of " + seen
			}
			seen = value
		}
		a.body = encode(map[string]string{"Sid": seen})
		return a
	}
	begin := change("BEGIN")
	if begin.status != http.StatusOK {
		return l.gaveUp(begin.err)
	}
	born, ok := l.findApplications(map[string]*string{prefix + "-0": &arns[0], prefix + "-47": &arns[1], prefix + "-99": &arns[2]})
	if !ok {
		return false
	}
	th := l.thing(&thing{what: "an applied file", model: recordModel("BEGIN"), born: &born, probe: func(a *aftermath) {
		a.record(input{read, "Sid"}, look())
		a.record(input{kind: write, token: "AFTER"}, change("AFTER"))
		a.record(input{read, "Sid"}, look())
	}})
	for i := 0; ok && i < 8; i++ {
		value := rand.Text()
		if _, ok = l.done(th, input{kind: write, token: value}, change(value)); ok {
			_, ok = l.done(th, input{read, "Sid"}, look())
		}
	}
	return ok
}

// findApplications learns the ARNs of the applications with these names; the answer is the last page of the list.
func (l *load) findApplications(names map[string]*string) (a answer, ok bool) {
	request := map[string]any{"InstanceArn": l.s.instance}
	for {
		if a, ok = l.do(nil, input{kind: read}, l.s.admin("sso", "SWBExternalService.ListApplications", request)); !ok {
			return a, false
		}
		var page struct {
			Applications []struct{ ApplicationArn, Name string }
			NextToken    string
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			return a, l.gaveUp(err)
		}
		for _, app := range page.Applications {
			if arn := names[app.Name]; arn != nil {
				*arn = app.ApplicationArn
			}
		}
		if page.NextToken == "" {
			return a, true
		}
		request["NextToken"] = page.NextToken
	}
}

// user creates one who is disabled and enabled while its family is used.
func (l *load) user() bool {
	u, ok := l.newUser()
	if !ok {
		return false
	}
	first := u.born.tokens()
	th := l.thing(&thing{what: "a user", model: userModel(first.RefreshToken, l.grace), born: u.born, probe: func(a *aftermath) {
		l.probeFamily(a, first)
		a.ask(disable, "", u.switched("DISABLED"))
		l.probeFamily(a, first)
	}})
	token := first.RefreshToken
	for range 3 {
		for _, status := range []string{"", "DISABLED", "", "ENABLED"} {
			var a answer
			switch status {
			case "":
				a, ok = l.do(th, input{kind: redeem, token: token}, l.s.refresh("worker", token))
				if ok {
					token = a.tokens().RefreshToken
				}
				ok = ok || a.status == http.StatusBadRequest
			case "DISABLED":
				_, ok = l.do(th, input{kind: disable}, u.switched(status))
			default:
				_, ok = l.do(th, input{kind: enable}, u.switched(status))
			}
			if !ok {
				return false
			}
			if seldom() {
				return true // and stays as it is
			}
		}
	}
	return true
}

// newUser creates a user and begins a family.
func (l *load) newUser() (*user, bool) {
	email := rand.Text() + "@example.com"
	created, ok := l.do(nil, input{kind: create}, l.s.createUser(email))
	if !ok {
		return nil, false
	}
	u := &user{s: l.s}
	u.id, _ = created.member("UserId")
	born, ok := l.do(nil, input{kind: redeem}, l.s.bearer(l.s.issuer.assertion(l.t, email)))
	u.born = &born
	return u, ok
}
