package sigv4

import (
	"strings"
	"testing"
)

// BenchmarkVerify is the hot path of every signed request; the house allows it 5 µs with a cached key.
func BenchmarkVerify(b *testing.B) {
	body := `{"clientId":"arn:aws:sso::111122223333:application/ssoins-1111111111111111/apl-1111111111111111",` +
		`"grantType":"refresh_token","refreshToken":"aor` + strings.Repeat("x", 160) + `"}`
	for place, sign := range places {
		r := post(b, "/token?aws_iam=t", body)
		r.Header.Set("Amz-Sdk-Invocation-Id", "8506bebb-9eca-4771-9336-953ba378efb1")
		r.Header.Set("User-Agent", "Boto3/1.43 md/Botocore#1.43")
		sign(r, body, example, strings.Repeat("t", 400), "sso-oauth", "us-east-1", exampleTime)
		r.RequestURI = r.URL.RequestURI() // as received
		b.Run(place, func(b *testing.B) {
			v := newVerifier()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), r, []byte(body), "sso-oauth"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	r := post(b, "/token?aws_iam=t", "{}")
	b.ReportAllocs()
	for b.Loop() {
		Sign(r, []byte("{}"), example, "", "sso-oauth", "us-east-1", exampleTime)
	}
}
