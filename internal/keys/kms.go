package keys

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/awskms"        // awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault://
)

// kmsTimeout bounds one question to a key management service, with the library's own retries and its search for credentials.
const kmsTimeout = 20 * time.Second

// envelope is a keys file that a key management service sealed. The service seals a key of 32 bytes and that key the rest: a service with RSA keys takes
// no more than two hundred bytes.
type envelope struct {
	SealedKey  []byte `json:"sealedKey"`
	SealedKeys []byte `json:"sealedKeys"`
}

func (e envelope) empty() bool { return len(e.SealedKey) == 0 }

func seal(ctx context.Context, kms string, plain []byte) ([]byte, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	var e envelope
	err := ask(ctx, kms, func(ctx context.Context, keeper *secrets.Keeper) (err error) {
		e.SealedKey, err = keeper.Encrypt(ctx, key)
		return faultOf(err)
	})
	if err != nil {
		return nil, err
	}
	cipher, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if e.SealedKeys, err = cipher.Encrypt(plain, nil); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return json.Marshal(e)
}

func (e envelope) open(ctx context.Context, kms string) ([]byte, error) {
	var key []byte
	err := ask(ctx, kms, func(ctx context.Context, keeper *secrets.Keeper) (err error) {
		key, err = keeper.Decrypt(ctx, e.SealedKey)
		return faultOf(err)
	})
	if err != nil {
		return nil, err
	}
	errOther := errors.New("the key management service gave another key than the one it was sealed with")
	cipher, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, errOther
	}
	plain, err := cipher.Decrypt(e.SealedKeys, nil)
	if err != nil {
		return nil, errOther
	}
	return plain, nil
}

// ask opens the key at the URL and asks it. No error holds a parameter's value or an answer.
func ask(ctx context.Context, kms string, question func(context.Context, *secrets.Keeper) error) error {
	u, err := url.Parse(kms)
	schemes := secrets.DefaultURLMux().KeeperSchemes()
	switch {
	case err != nil:
		return errors.New("the URL of the key management service's key is malformed") // its error would quote it
	case !slices.Contains(schemes, u.Scheme):
		return errors.New("the URL of the key management service's key must begin with awskms:// or azurekeyvault://")
	case u.User != nil:
		return errors.New("the URL of the key management service's key must not hold a user or a password: credentials are taken from the environment")
	}
	where := u.Scheme + "://" + u.Host + u.Path
	ctx, cancel := context.WithTimeout(ctx, kmsTimeout)
	defer cancel()
	keeper, err := secrets.OpenKeeper(ctx, kms)
	if err != nil {
		return fmt.Errorf("%s cannot be opened: check its parameters and the credentials in the environment", where)
	}
	err = question(ctx, keeper)
	_ = keeper.Close() // nothing is left in it
	if err != nil {
		return fmt.Errorf("%s: %w (check the key, its permissions and the credentials in the environment)", where, err)
	}
	return nil
}

var plainCode = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// faultOf says what went wrong in words without secrets: the library's own error may quote a URL or an answer.
func faultOf(err error) error {
	if err == nil {
		return nil
	}
	code := ""
	if aws, ok := errors.AsType[smithy.APIError](err); ok {
		code = aws.ErrorCode()
	}
	if azure, ok := errors.AsType[*azcore.ResponseError](err); ok {
		code = azure.ErrorCode
		if !plainCode.MatchString(code) {
			code = http.StatusText(azure.StatusCode)
		}
	}
	switch {
	case plainCode.MatchString(code):
		return errors.New("it answers " + code)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	// These name hosts and addresses only.
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return errors.New("no usable answer")
}
