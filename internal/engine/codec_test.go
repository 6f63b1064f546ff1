package engine

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// sealer is one AES-256-GCM key.
type sealer struct{ cipher.AEAD }

func newSealer(t *testing.T) sealer {
	t.Helper()
	key := make([]byte, 32)
	_, err := rand.Read(key)
	require.NoError(t, err)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return sealer{aead}
}

func (s sealer) Seal(plain, context []byte) ([]byte, error) {
	return s.AEAD.Seal(nil, nil, plain, context), nil
}

func (s sealer) Unseal(sealed, context []byte) ([]byte, error) {
	return s.Open(nil, nil, sealed, context)
}

func TestPayloadsAreSealedWhole(t *testing.T) {
	t.Parallel()
	keys := newSealer(t)
	data := Encrypted(client.Options{}, keys).DataConverter
	payload, err := data.ToPayload(map[string]string{"name": "canary"})
	require.NoError(t, err)
	require.True(t, Sealed(payload))
	require.Equal(t, map[string][]byte{"encoding": []byte(EncodingEncrypted)}, payload.GetMetadata(), "what kind of value it is stays inside")
	require.NotContains(t, string(payload.GetData()), "canary")
	require.NotContains(t, string(payload.GetData()), "json/plain")

	var back map[string]string
	require.NoError(t, data.FromPayload(payload, &back))
	require.Equal(t, map[string]string{"name": "canary"}, back)

	again, err := data.ToPayload(map[string]string{"name": "canary"})
	require.NoError(t, err)
	require.NotEqual(t, payload.GetData(), again.GetData(), "equal values look different")

	_, err = keys.Unseal(payload.GetData(), []byte("another context"))
	require.Error(t, err)
}

func TestPlainPayloadsAreReadAsTheyAre(t *testing.T) {
	t.Parallel()
	plain, err := converter.GetDefaultDataConverter().ToPayloads("typed by hand", 7)
	require.NoError(t, err)
	for _, keys := range []Sealer{newSealer(t), nil} {
		var text string
		var number int
		require.NoError(t, Encrypted(client.Options{}, keys).DataConverter.FromPayloads(plain, &text, &number))
		require.Equal(t, "typed by hand", text)
		require.Equal(t, 7, number)
	}
	foreign := []*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("binary/zlib")}, Data: []byte("x")}}
	same, err := payloadCodec{sealer: newSealer(t)}.Decode(foreign)
	require.NoError(t, err)
	require.Equal(t, foreign, same)
}

func TestWhatDoesNotOpenSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	payload, err := Encrypted(client.Options{}, newSealer(t)).DataConverter.ToPayload("secret")
	require.NoError(t, err)
	broken := &commonpb.Payload{Metadata: payload.GetMetadata(), Data: bytes.Repeat([]byte{1}, 5)}
	for name, tc := range map[string]struct {
		keys    Sealer
		payload *commonpb.Payload
		want    string
	}{
		"no keys":    {nil, payload, "the workflow's data is encrypted: set CUTOVER_CODEC_KEYS"},
		"wrong keys": {newSealer(t), payload, "the keys of CUTOVER_CODEC_KEYS do not open it: give the keys that it was sealed with"},
		"broken":     {newSealer(t), broken, "the keys of CUTOVER_CODEC_KEYS do not open it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := Encrypted(client.Options{}, tc.keys).DataConverter
			var text string
			err := data.FromPayload(tc.payload, &text)
			require.ErrorIs(t, err, ErrSealed)
			require.ErrorContains(t, err, tc.want)
			require.True(t, IsSealed(err))
			held, ok := data.(sealedConverter)
			require.True(t, ok)
			require.Panics(t, func() { _ = held.WithWorkflowContext(nil).FromPayload(tc.payload, &text) }, "within a workflow it must not end the workflow")
			require.ErrorIs(t, held.WithContext(t.Context()).FromPayload(tc.payload, &text), ErrSealed)
		})
	}
}

func TestFailuresKeepTheirMessageToThemselves(t *testing.T) {
	t.Parallel()
	options := Encrypted(client.Options{}, newSealer(t))
	failure := options.FailureConverter.ErrorToFailure(temporal.NewNonRetryableApplicationError("canary", "Kind", errors.New("canary below"), "canary detail"))
	require.NotContains(t, failure.String(), "canary")
	require.Equal(t, "Kind", failure.GetApplicationFailureInfo().GetType(), "what happens next depends on it")

	back := options.FailureConverter.FailureToError(failure)
	require.ErrorContains(t, back, "canary")
	require.ErrorContains(t, back, "canary below")
	require.False(t, IsSealed(back))

	failure = options.FailureConverter.ErrorToFailure(errors.New("canary"))
	require.True(t, IsSealed(Encrypted(client.Options{}, nil).FailureConverter.FailureToError(failure)), "without keys a failure says that it is encrypted")

	plain := Encrypted(client.Options{}, nil).FailureConverter.ErrorToFailure(errors.New("readable"))
	require.Equal(t, "readable", plain.GetMessage(), "without keys nothing changes")
}
