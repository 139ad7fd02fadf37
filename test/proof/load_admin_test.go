package proof

import (
	"crypto/rand"
	"net/http"
)

// session is a browser's: what was issued in it dies with the sign-out.
func (l *load) session() bool {
	b, err := l.s.trySignIn()
	if err != nil {
		return l.gaveUp(err)
	}
	born, witness := b.last, b.clone()
	th := l.thing(&thing{what: "a browser's session", model: sessionModel(), born: &born, probe: func(a *aftermath) {
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
	born, ok := l.do(nil, input{kind: create}, l.s.admin("sso", "SWBExternalService.CreateApplication", map[string]any{
		"InstanceArn": l.s.instance, "Name": rand.Text(), "Description": "new",
		"ApplicationProviderArn": "arn:aws:sso::aws:applicationProvider/custom",
	}))
	if !ok {
		return false
	}
	arn, _ := born.member("ApplicationArn")
	on := func(operation string, more ...string) *call {
		request := map[string]any{"ApplicationArn": arn}
		for i := 0; i < len(more); i += 2 {
			request[more[i]] = more[i+1]
		}
		return l.s.admin("sso", "SWBExternalService."+operation, request)
	}
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
