package policy

import (
	"strings"
	"testing"
)

const statementRest = `"Effect":"Allow","Action":"s3:Get","Resource":"*"`

// TestRefused has, for each rule of the language, a document that breaks it and what the message says.
func TestRefused(t *testing.T) {
	// with puts members into an otherwise good identity statement.
	with := func(members string) string {
		return `{"Version":"2012-10-17","Statement":[{` + statementRest + `},{` + members + `}]}`
	}
	condition := func(c string) string { return with(statementRest + `,"Condition":` + c) }
	resource := func(r string) string { return with(`"Effect":"Allow","Action":"s3:Get","Resource":` + r) }
	action := func(a string) string { return with(`"Effect":"Allow","Resource":"*","Action":` + a) }
	principal := func(p string) string { return `{"Statement":{` + statementRest + `,"Principal":` + p + `}}` }

	for _, c := range []struct {
		kind      Kind
		doc, want string
	}{
		{Kind(9), `{}`, "unknown kind of policy"},
		{Identity, strings.Repeat(" ", MaxDocument+1), "longer than 65536 bytes"},
		{Identity, ``, "not valid JSON"},
		{Identity, `[]`, "must be an object, not an array"},
		{Identity, `"x"`, "must be an object, not a string"},
		{Identity, `{`, "not valid JSON: it ends too early"},
		{Identity, `{"Version"`, "not valid JSON: it ends too early"},
		{Identity, `{"Version":`, "not valid JSON: it ends too early"},
		{Identity, `{"Statement":[`, "not valid JSON: it ends too early"},
		{Identity, `{"Statement":[}`, "not valid JSON"},
		{Identity, `{"Version":}`, "not valid JSON"},
		{Identity, `{1:2}`, "not valid JSON"},
		{Identity, `{"a` + "\xff" + `":1}`, "not valid JSON"},
		{Identity, `{"Statement":{` + statementRest + `}} x`, "something follows"},
		{Identity, `{"Statement":{` + statementRest + `}} {}`, "something follows"},
		{Identity, `{}`, "Statement: missing"},
		{Identity, `{"Statement":[]}`, "Statement: must not be empty"},
		{Identity, `{"Statement":"x"}`, "Statement 1: must be an object, not a string"},
		{Identity, `{"Statement":[[{}]]}`, "Statement 1: must be an object, not an array"},
		{Identity, `{"Version":"2012-10-17","Version":"2012-10-17"}`, `the key "Version" appears twice at "/Version"`},
		{Identity, with(statementRest + `,"Effect":"Deny"`), `the key "Effect" appears twice at "/Statement/1/Effect"`},
		{Identity, `{"version":"2012-10-17"}`, "version: unknown element"},
		{Identity, `{"Version":"2012-10-18","Statement":{` + statementRest + `}}`, `Version: "2012-10-18": must be`},
		{Identity, `{"Version":null}`, "Version: must be a string, not null"},
		{Identity, `{"Version":2012}`, "Version: must be a string, not a number"},
		{Identity, `{"Id":"x","Statement":{` + statementRest + `}}`, "Id: not allowed in an identity policy"},
		{Identity, `{"Id":1}`, "Id: must be a string"},
		{Identity, `{"New` + "\\n" + `line":1}`, `"New\nline": unknown element`},

		{Identity, with(`"effect":"Allow"`), "Statement 2: effect: unknown element"},
		{Identity, with(`"Action":"s3:Get","Resource":"*"`), "Statement 2: Effect: missing"},
		{Identity, with(`"Effect":"allow","Action":"s3:Get","Resource":"*"`), `Statement 2: Effect: "allow": must be`},
		{Identity, with(`"Effect":["Allow"]`), "Statement 2: Effect: must be a string, not an array"},
		{Identity, with(statementRest + `,"Sid":"a b"`), `Statement 2: Sid: "a b": only letters and digits`},
		{Identity, with(statementRest + `,"Sid":true`), "Statement 2: Sid: must be a string, not a boolean"},
		{Identity, `{"Statement":[{"Sid":"A",` + statementRest + `},{"Sid":"A",` + statementRest + `}]}`, "Statement 2: Sid: \"A\": another statement has it"},
		{Resource, `{"Statement":{"Principal":"*","Sid":"` + "\\u00e9" + `",` + statementRest + `}}`, "Sid"},

		{Identity, action(`[]`), "Statement 2: Action: must not be empty"},
		{Identity, action(`{}`), "Statement 2: Action: must be a string, not an object"},
		{Identity, action(`[1]`), "Statement 2: Action: must be a string, not a number"},
		{Identity, action(`["s3:Get",["s3:Put"]]`), "must be a string, not an array"},
		{Identity, action(`"Get"`), `Action: "Get": must be a service prefix`},
		{Identity, action(`":Get"`), "must be a service prefix"},
		{Identity, action(`"s3:"`), "must be a service prefix"},
		{Identity, action(`"s*:Get"`), "must be a service prefix"},
		{Identity, action(`"*:Get"`), "must be a service prefix"},
		{Identity, action(`"s3:Get:x"`), "must be a service prefix"},
		{Identity, action(`"s3:${aws:username}"`), "must be a service prefix"},
		{Identity, action(`"s3:` + strings.Repeat("a", 300) + `"`), "must be a service prefix"},
		{Identity, with(`"Effect":"Allow","NotAction":"x","Resource":"*"`), "NotAction: \"x\""},
		{Identity, with(`"Effect":"Allow","NotAction":1,"Resource":"*"`), "NotAction: must be a string"},
		{Identity, with(statementRest + `,"NotAction":"s3:Put"`), "Action: not together with NotAction"},
		{Identity, with(`"Effect":"Allow","Resource":"*"`), "Action: missing"},

		{Identity, resource(`[]`), "Resource: must not be empty"},
		{Identity, resource(`""`), `Resource: "": must be an ARN`},
		{Identity, resource(`"bucket"`), "must be an ARN"},
		{Identity, resource(`"arn:aws:s3"`), "must be an ARN"},
		{Identity, resource(`"arn:aws:s3:::"`), ""},
		{Identity, resource(`"arn:aws:s3:::bucket"`), ""},
		{Identity, resource(`"arn:aws:s3:bucket"`), "must be an ARN"},
		{Identity, resource(`"arn:amazon:s3:::bucket"`), `"amazon" is not a partition`},
		{Identity, resource(`"arn:aws:*:::bucket"`), "wildcard is not allowed in the service"},
		{Identity, resource(`"arn:aws::::bucket"`), "the service is missing"},
		{Identity, resource(`"arn:aws:s3::${aws:PrincipalAccount}:b"`), "only after the fifth colon"},
		{Identity, resource(`"${aws:username}"`), "only after the fifth colon"},
		{Identity, resource(`"arn:aws:s3:::b/${aws:username"`), "no closing brace"},
		{Identity, resource(`"arn:aws:s3:::b/${}"`), "is not a policy variable"},
		{Identity, resource(`"arn:aws:s3:::b/${username}"`), "is not a policy variable"},
		{Identity, resource(`"arn:aws:s3:::b/${aws:${x}"`), "is not a policy variable"},
		{Identity, resource(`"arn:aws:s3:::b/${aws:username, x}"`), "single quotes"},
		{Identity, resource(`"arn:aws:s3:::b/${aws:username, 'a'b'}"`), "single quotes"},
		{Identity, resource(`"arn:aws:s3:::` + strings.Repeat("b", 2048) + `"`), "longer than 2048"},
		{Identity, with(`"Effect":"Allow","Action":"s3:Get","NotResource":"b"`), "NotResource: \"b\""},
		{Identity, with(`"Effect":"Allow","Action":"s3:Get","NotResource":[]`), "NotResource: must not be empty"},
		{Identity, with(statementRest + `,"NotResource":"*"`), "Resource: not together with NotResource"},
		{Identity, with(`"Effect":"Allow","Action":"s3:Get"`), "Resource: missing"},
		{Trust, principal(`"*"`), "Resource: not allowed in a trust policy"},
		{Trust, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:Get","NotResource":"*"}}`, "Resource: not allowed in a trust policy"},

		{Identity, principal(`"*"`), "Principal: not allowed in an identity policy"},
		{Identity, `{"Statement":{` + statementRest + `,"NotPrincipal":"*"}}`, "Principal: not allowed in an identity policy"},
		{Resource, `{"Statement":{` + statementRest + `}}`, "Principal: missing; a resource policy needs it"},
		{Trust, `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`, "Principal: missing; a trust policy needs it"},
		{Trust, `{"Statement":{"Effect":"Deny","Action":"sts:AssumeRole","NotPrincipal":{"AWS":"111122223333"}}}`, "NotPrincipal: not allowed in a trust policy"},
		{Resource, `{"Statement":{` + statementRest + `,"NotPrincipal":{"AWS":"111122223333"}}}`, "NotPrincipal: not allowed with Allow"},
		{Resource, `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":"*"}}`, "leaves nobody to deny"},
		{Resource, `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":{"AWS":"*"}}}`, "leaves nobody to deny"},
		{Resource, principal(`"*","NotPrincipal":{"AWS":"111122223333"}`), "Principal: not together with NotPrincipal"},
		{Resource, principal(`"111122223333"`), `Principal: "111122223333": must be "*" or an object`},
		{Resource, principal(`[]`), "Principal: must be an object, not an array"},
		{Resource, principal(`{}`), "Principal: must not be empty"},
		{Resource, principal(`{"AWS":[]}`), "Principal: AWS: must not be empty"},
		{Resource, principal(`{"AWS":7}`), "Principal: AWS: must be a string, not a number"},
		{Resource, principal(`{"aws":"*"}`), "Principal: aws: unknown kind of principal"},
		{Resource, principal(`{"aws":"111122223333"}`), "Principal: aws: unknown kind of principal"},
		{Resource, principal(`{"AWS":"1111222233334"}`), "is not an AWS principal"},
		{Resource, principal(`{"AWS":"alice"}`), "is not an AWS principal"},
		{Resource, principal(`{"AWS":"arn:aws:iam::*:root"}`), "a wildcard is not allowed in a principal"},
		{Resource, principal(`{"AWS":"arn:aws:iam::111122223333:role/?"}`), "a wildcard is not allowed in a principal"},
		{Resource, principal(`{"Service":"*"}`), "a wildcard is not allowed in a principal"},
		{Resource, principal(`{"AWS":"arn:aws:iam:us-east-1:111122223333:root"}`), "is not an AWS principal"},
		{Resource, principal(`{"AWS":"arn:other:iam::111122223333:root"}`), "is not an AWS principal"},
		{Resource, principal(`{"AWS":"arn:aws:iam::11112222333:root"}`), "is not an AWS principal"},
		{Resource, principal(`{"AWS":"arn:aws:iam::111122223333:group/g"}`), "is not the ARN of an account root, user"},
		{Resource, principal(`{"AWS":"arn:aws:iam::111122223333:user/"}`), "is not the ARN of"},
		{Resource, principal(`{"AWS":"arn:aws:iam::111122223333:user/a b"}`), "is not the ARN of"},
		{Resource, principal(`{"AWS":"arn:aws:iam::111122223333:user/a b/c"}`), "is not the ARN of"},
		{Resource, principal(`{"AWS":"arn:aws:sts::111122223333:assumed-role/r"}`), "is not the ARN of"},
		{Resource, principal(`{"AWS":"arn:aws:sts::111122223333:assumed-role/r/s/t"}`), "is not the ARN of"},
		{Resource, principal(`{"AWS":"arn:aws:s3:::111122223333:user/x"}`), "is not an AWS principal"},
		{Resource, principal(`{"AWS":"arn:aws:sts::111122223333:user/x"}`), "is not the ARN of"},
		{Resource, principal(`{"Service":"sso"}`), "is not a service principal"},
		{Resource, principal(`{"Service":"sso.amazonaws.com/x"}`), "is not a service principal"},
		{Resource, principal(`{"Federated":"google"}`), "neither an identity provider's ARN"},
		{Resource, principal(`{"CanonicalUser":"abc"}`), "not a canonical user id"},

		{Identity, condition(`[]`), "Condition: must be an object, not an array"},
		{Identity, condition(`{"StringEquals":{}}`), "Condition: StringEquals: must not be empty"},
		{Identity, condition(`{"StringEquals":"x"}`), "Condition: StringEquals: must be an object, not a string"},
		{Identity, condition(`{"StringEquals":{"aws:x":[]}}`), "StringEquals: aws:x: must not be empty"},
		{Identity, condition(`{"StringEquals":{"aws:x":null}}`), "StringEquals: aws:x: must be a string, number or boolean, not null"},
		{Identity, condition(`{"StringEquals":{"aws:x":[["a"]]}}`), "must be a string, number or boolean, not an array"},
		{Identity, condition(`{"StringEquals":{"x":"a"}}`), "StringEquals: x: a condition key is a service prefix"},
		{Identity, condition(`{"StringEquals":{"aws:":"a"}}`), "a condition key is a service prefix"},
		{Identity, condition(`{"StringEquals":{"aws:\u0000":"a"}}`), "no control characters"},
		{Identity, condition(`{"StringEquals":{"aws:` + strings.Repeat("k", 512) + `":"a"}}`), "a condition key is a service prefix"},
		{Identity, condition(`{"StringEquals":{"aws:x":"a","AWS:X":"b"}}`), "StringEquals: AWS:X: the key appears twice"},
		{Identity, condition(`{"StringEquals":{"aws:x":"a","aws:x":"b"}}`), "appears twice"},
		{Identity, condition(`{"StringSame":{"aws:x":"a"}}`), "Condition: StringSame: unknown condition operator"},
		{Identity, condition(`{"stringEquals":{"aws:x":"a"}}`), "unknown condition operator"},
		{Identity, condition(`{"ForAll:StringEquals":{"aws:x":"a"}}`), "unknown condition operator"},
		{Identity, condition(`{"ForAnyValue:ForAllValues:StringEquals":{"aws:x":"a"}}`), "unknown condition operator"},
		{Identity, condition(`{"StringEqualsIfExistsIfExists":{"aws:x":"a"}}`), "unknown condition operator"},
		{Identity, condition(`{"NullIfExists":{"aws:x":"true"}}`), "Null takes neither"},
		{Identity, condition(`{"ForAllValues:Null":{"aws:x":"true"}}`), "Null takes neither"},
		{Identity, condition(`{"Null":{"aws:x":"maybe"}}`), "use true or false"},
		{Identity, condition(`{"Bool":{"aws:x":"yes"}}`), "use true or false"},
		{Identity, condition(`{"Bool":{"aws:x":"${"}}`), "no closing brace"},
		{Identity, condition(`{"StringLike":{"aws:x":"${x}"}}`), "is not a policy variable"},
		{Identity, condition(`{"NumericEquals":{"aws:x":"1e3"}}`), "not a number"},
		{Identity, condition(`{"NumericEquals":{"aws:x":1e3}}`), "not a number"},
		{Identity, condition(`{"NumericEquals":{"aws:x":"1/3"}}`), "not a number"},
		{Identity, condition(`{"NumericEquals":{"aws:x":"--1"}}`), "not a number"},
		{Identity, condition(`{"NumericEquals":{"aws:x":"1."}}`), "not a number"},
		{Identity, condition(`{"NumericEquals":{"aws:x":".5"}}`), "not a number"},
		{Identity, condition(`{"NumericEquals":{"aws:x":""}}`), "not a number"},
		{Identity, condition(`{"NumericEquals":{"aws:x":"` + strings.Repeat("1", 200) + `"}}`), "not a number"},
		{Identity, condition(`{"DateEquals":{"aws:x":"tomorrow"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":""}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-1-1"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026x01x01"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-02-30"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-01-01T00:00"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-01-01T00:00.5Z"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-01-01T00:00:00.Z"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-01-01T00:00:00+0100"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-01-01T0:00:00Z"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"2026-01-01T00:00:00.` + strings.Repeat("1", 99) + `Z"}}`), "not a date"},
		{Identity, condition(`{"DateEquals":{"aws:x":"9999999999999"}}`), "not a date"},
		{Identity, condition(`{"BinaryEquals":{"aws:x":"a"}}`), "not base64"},
		{Identity, condition(`{"IpAddress":{"aws:x":"203.0.113.0/33"}}`), "not an IP address"},
		{Identity, condition(`{"IpAddress":{"aws:x":"host"}}`), "not an IP address"},
		{Identity, condition(`{"IpAddress":{"aws:x":"fe80::1%eth0"}}`), "not an IP address"},
		{Identity, condition(`{"IpAddress":{"aws:x":"::ffff:1.2.3.0/120"}}`), "write IPv4 blocks as IPv4"},
		{Identity, condition(`{"ArnLike":{"aws:x":"arn:aws:s3:*"}}`), "not an ARN of six sections"},
		{Identity, condition(`{"ArnLike":{"aws:x":"bucket"}}`), "not an ARN of six sections"},
		{Identity, condition(`{"ArnLike":{"aws:x":""}}`), "not an ARN of six sections"},
	} {
		p, err := Parse(c.kind, "p", []byte(c.doc))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.doc, err)
		case c.want == "":
		case err == nil || p != nil:
			t.Errorf("%s: accepted; want %q", c.doc, c.want)
		case !strings.Contains(err.Error(), c.want):
			t.Errorf("%s:\n got %v\nwant %s", c.doc, err, c.want)
		}
	}
}

// TestAccepted has what is unusual and yet good.
func TestAccepted(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		doc  string
	}{
		{Identity, "\n{ \"Statement\" : [ { \"Sid\" : \"\", " + statementRest + ", \"Condition\" : { } }, {\"Sid\":\"\"," + statementRest + "} ] } \n"},
		{Identity, `{"Statement":{` + statementRest + `},"Version":"2008-10-17"}`},
		{Identity, `{"Statement":{"Effect":"Deny","NotAction":["*:*","s3:*","x-y:A_b?"],"NotResource":["arn:*:s3:::b","arn:aws-cn:s3:*"]}}`},
		{Resource, `{"Id":"an id","Statement":{"Sid":"a - b","Principal":{"AWS":["*","AIDAABCDEFGHIJKLMNOP","arn:aws-us-gov:iam::111122223333:user/a/b/c"],
			"Service":"ec2.amazonaws.com","Federated":["cognito-identity.amazonaws.com","arn:aws:iam::111122223333:oidc-provider/x"]},` + statementRest + `}}`},
		{Trust, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["sts:AssumeRole","sts:SetContext"]}]}`},
		{Identity, `{"Statement":{` + statementRest + `,"Condition":{"StringEquals":{"aws:RequestTag/cost center":"${"},"StringLike":{"oidc.example.com/id/X:sub":[true,1.5,"*"]}}}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{` + statementRest + `,"Condition":{"StringEquals":{"k:a":"${k:b,''}$${k:c}$"}}}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{` + statementRest + `,"Condition":{"Bool":{"k:a":"${k:b}"},"ArnLike":{"k:a":["${k:b}","**"]}}}}`},
	} {
		if _, err := Parse(c.kind, "p", []byte(c.doc)); err != nil {
			t.Errorf("%s: %v", c.doc, err)
		}
	}
}
