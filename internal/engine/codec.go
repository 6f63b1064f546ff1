package engine

import (
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"
)

// Variables that name the keys of payloads. The errors here say them, so they stand here.
const (
	EnvCodecKeys = "CUTOVER_CODEC_KEYS" // the keys' file
	EnvCodecKMS  = "CUTOVER_CODEC_KMS"  // URL of what sealed the file; empty: nothing did
)

// EncodingEncrypted is the encoding that a sealed payload says it has. The Web UI and Temporal's own tools show it and ask a codec endpoint.
const EncodingEncrypted = "binary/encrypted"

// payloadContext tells payloads from whatever else the same keys seal. It is one for all: continue-as-new moves payloads between workflows.
var payloadContext = []byte("temporal-payload")

// encodedFailure is the message that the SDK leaves on a failure whose own message is in a payload.
const encodedFailure = "Encoded failure"

// ErrSealed is wrapped by the error of reading a payload that is encrypted and does not open with the keys at hand, or with none.
var ErrSealed = errors.New("the workflow's data is encrypted")

// Sealer encrypts and authenticates. What was sealed with one context opens with no other.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Unseal(sealed, context []byte) ([]byte, error)
}

// Encrypted returns options whose client, and the workers made of it, seal everything that leaves this process as a payload: inputs, results,
// signals, updates, queries, memo values, heartbeats, summaries, details, and the message and stack of failures. Names, ids, error types and search
// attributes stay readable. Payloads that nobody sealed are read as they are, so that a signal typed by hand works.
//
// Without keys (s is nil) nothing is sealed, and what is sealed is refused with ErrSealed. In a workflow that refusal holds the workflow, which goes
// on once a worker has the keys; with the SDK's own converter the workflow would fail for good.
func Encrypted(o client.Options, s Sealer) client.Options {
	parent := converter.GetDefaultDataConverter()
	data := sealedConverter{
		DataConverter: converter.NewCodecDataConverter(parent, payloadCodec{sealer: s}),
		held:          converter.NewCodecDataConverter(parent, payloadCodec{sealer: s, hold: true}),
	}
	o.DataConverter = data
	o.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: data, EncodeCommonAttributes: s != nil,
	})
	return o
}

// Sealed tells whether a payload is encrypted.
func Sealed(p *commonpb.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == EncodingEncrypted
}

// IsSealed tells whether an error means that keys are missing: a payload did not open, or a failure kept its message to itself.
func IsSealed(err error) bool {
	var application *temporal.ApplicationError
	return errors.Is(err, ErrSealed) || errors.As(err, &application) && application.Message() == encodedFailure
}

// sealedConverter reads and writes payloads through the codec; within workflow code it holds the workflow instead of failing it.
type sealedConverter struct {
	converter.DataConverter

	held converter.DataConverter
}

var _ workflow.ContextAware = sealedConverter{}

// WithWorkflowContext is the converter within workflow code.
func (c sealedConverter) WithWorkflowContext(workflow.Context) converter.DataConverter { return c.held }

// WithContext is the converter within activities and clients.
func (c sealedConverter) WithContext(context.Context) converter.DataConverter { return c }

// payloadCodec seals whole payloads, their metadata included.
type payloadCodec struct {
	sealer Sealer // nil: no keys
	hold   bool   // panic where a payload does not open: that fails the workflow task, which is tried again, and not the workflow
}

// Encode seals payloads.
func (c payloadCodec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if c.sealer == nil {
		return payloads, nil
	}
	sealed := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encrypt a payload: %w", err)
		}
		data, err := c.sealer.Seal(plain, payloadContext)
		if err != nil {
			return nil, fmt.Errorf("encrypt a payload: %w", err)
		}
		sealed[i] = &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(EncodingEncrypted)}, Data: data}
	}
	return sealed, nil
}

// Decode opens sealed payloads and leaves others as they are.
func (c payloadCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	opened := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if !Sealed(p) {
			opened[i] = p
			continue
		}
		plain, err := c.open(p)
		if err != nil {
			if c.hold {
				panic(err)
			}
			return nil, err
		}
		opened[i] = plain
	}
	return opened, nil
}

func (c payloadCodec) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	if c.sealer == nil {
		return nil, fmt.Errorf("%w: set %s", ErrSealed, EnvCodecKeys)
	}
	plain, err := c.sealer.Unseal(p.GetData(), payloadContext)
	if err != nil {
		return nil, fmt.Errorf("%w, and the keys of %s do not open it: give the keys that it was sealed with: %w", ErrSealed, EnvCodecKeys, err)
	}
	var payload commonpb.Payload
	if err := proto.Unmarshal(plain, &payload); err != nil {
		return nil, fmt.Errorf("%w, and what opened is no payload: %w", ErrSealed, err)
	}
	return &payload, nil
}
