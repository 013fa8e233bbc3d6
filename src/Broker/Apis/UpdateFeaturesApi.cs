using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>UpdateFeatures (57): sets the levels of features, all that are named or none.</summary>
/// <remarks>v1 says how far a level may fall, and can only try (KIP-778). v2 names no features in the answer.</remarks>
internal sealed class UpdateFeaturesApi(ControllerService controller, MetadataCache metadata) : IApi<UpdateFeaturesRequest, UpdateFeaturesResponse>
{
    public static VersionRange Versions => new(0, 2);

    public async ValueTask<UpdateFeaturesResponse?> Handle(UpdateFeaturesRequest request, RequestContext context)
    {
        RequestLimits.Check(request.FeatureUpdates.Length);
        return await controller.Execute(
            (decisions, image, controllerContext) => decisions.UpdateFeatures(image, request, metadata.KRaftVersion, controllerContext),
            error => new UpdateFeaturesResponse { ErrorCode = error, ErrorMessage = error.Message() },
            context.Version);
    }
}
