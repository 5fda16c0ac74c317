// A hospital system that sends with HAPI FHIR, resources of its own model: SendFhir VERSION URL PATIENT DEVICE BED NUMBER
// VERSION is R4 or R5. Each line of output is what HAPI's client made of an answer: what was asked, then the status and
// the id of what was created, the statuses of a bundle's entries, or the kind of the exception with the reason in it.

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import java.util.Date;
import java.util.concurrent.Callable;
import org.hl7.fhir.instance.model.api.IBaseOperationOutcome;

public class SendFhir {
    static final Date NOW = new Date();
    static final Date BEFORE = new Date(NOW.getTime() - 60_000);

    public static void main(String[] arguments) {
        boolean isR4 = arguments[0].equals("R4");
        FhirContext context = isR4 ? FhirContext.forR4() : FhirContext.forR5();
        // The gateway's statement is of R4, which a client of R5 refuses to speak with.
        ServerValidationModeEnum check = isR4 ? ServerValidationModeEnum.ONCE : ServerValidationModeEnum.NEVER;
        context.getRestfulClientFactory().setServerValidationMode(check);
        context.getRestfulClientFactory().setSocketTimeout(20_000);
        IGenericClient client = context.newRestfulGenericClient(arguments[1]);
        String patient = arguments[2], device = arguments[3], bed = arguments[4], number = arguments[5];
        if (isR4) {
            ofR4(client, patient, device, bed, number);
        } else {
            ofR5(client, patient, device, bed, number);
        }
        System.exit(0);
    }

    static void ofR4(IGenericClient client, String patient, String device, String bed, String number) {
        org.hl7.fhir.r4.model.Location location = new org.hl7.fhir.r4.model.Location();
        location.setStatus(org.hl7.fhir.r4.model.Location.LocationStatus.ACTIVE).setName("Bed");
        location.addIdentifier().setValue(bed);
        org.hl7.fhir.r4.model.Encounter encounter = new org.hl7.fhir.r4.model.Encounter();
        encounter.setStatus(org.hl7.fhir.r4.model.Encounter.EncounterStatus.INPROGRESS);
        encounter.addIdentifier().setSystem("urn:visits").setValue(number);
        encounter.getSubject().getIdentifier().setSystem("HOSP").setValue(patient);
        encounter.getPeriod().setStart(BEFORE);
        encounter.addLocation().setStatus(org.hl7.fhir.r4.model.Encounter.EncounterLocationStatus.ACTIVE)
            .getLocation().setReference("urn:uuid:7a0f2a4e-0000-4000-8000-000000000001");
        org.hl7.fhir.r4.model.Observation observation = new org.hl7.fhir.r4.model.Observation();
        observation.setStatus(org.hl7.fhir.r4.model.Observation.ObservationStatus.FINAL);
        observation.getCode().addCoding().setSystem("http://loinc.org").setCode("2708-6");
        observation.setValue(new org.hl7.fhir.r4.model.Quantity(97).setSystem("http://unitsofmeasure.org").setCode("%"));
        observation.setEffective(new org.hl7.fhir.r4.model.DateTimeType(NOW));
        observation.getDevice().getIdentifier().setValue(device);
        org.hl7.fhir.r4.model.Bundle bundle = new org.hl7.fhir.r4.model.Bundle();
        bundle.setType(org.hl7.fhir.r4.model.Bundle.BundleType.TRANSACTION);
        add(bundle, observation, "Observation");
        add(bundle, encounter, "Encounter");
        add(bundle, location, "Location").setFullUrl("urn:uuid:7a0f2a4e-0000-4000-8000-000000000001");
        say("transaction", () -> {
            StringBuilder found = new StringBuilder();
            client.transaction().withBundle(bundle).execute().getEntry()
                .forEach(one -> found.append(' ').append(one.getResponse().getStatus()));
            return found.toString();
        });
        say("observation", () -> of(client.create().resource(observation).execute()));
        say("alone", () -> of(client.create().resource(encounter).execute()));
    }

    static org.hl7.fhir.r4.model.Bundle.BundleEntryComponent add(
            org.hl7.fhir.r4.model.Bundle bundle, org.hl7.fhir.r4.model.Resource resource, String url) {
        org.hl7.fhir.r4.model.Bundle.BundleEntryComponent entry = bundle.addEntry().setResource(resource);
        entry.getRequest().setMethod(org.hl7.fhir.r4.model.Bundle.HTTPVerb.POST).setUrl(url);
        return entry;
    }

    static void ofR5(IGenericClient client, String patient, String device, String bed, String number) {
        org.hl7.fhir.r5.model.Encounter encounter = new org.hl7.fhir.r5.model.Encounter();
        encounter.setId(number);
        encounter.setStatus(org.hl7.fhir.r5.model.Enumerations.EncounterStatus.INPROGRESS);
        encounter.getSubject().getIdentifier().setSystem("HOSP").setValue(patient);
        encounter.getActualPeriod().setStart(BEFORE);
        encounter.addLocation().setStatus(org.hl7.fhir.r5.model.Encounter.EncounterLocationStatus.ACTIVE)
            .getLocation().getIdentifier().setValue(bed);
        say("update", () -> of(client.update().resource(encounter).execute()));
        org.hl7.fhir.r5.model.DeviceAssociation association = new org.hl7.fhir.r5.model.DeviceAssociation();
        association.getStatus().addCoding()
            .setSystem("http://hl7.org/fhir/deviceassociation-status").setCode("attached");
        association.getDevice().getIdentifier().setValue(device);
        association.getSubject().getIdentifier().setSystem("HOSP").setValue(patient);
        association.getPeriod().setStart(BEFORE);
        say("create", () -> of(client.create().resource(association).execute()));
        say("again", () -> of(client.create().resource(association).execute()));
        org.hl7.fhir.r5.model.DeviceAssociation other = association.copy();
        other.getSubject().getIdentifier().setValue("another");
        say("contradiction", () -> of(client.create().resource(other).execute()));
    }

    static String of(MethodOutcome outcome) {
        return " " + outcome.getResponseStatusCode() + " " + outcome.getId().getResourceType() + "/"
            + outcome.getId().getIdPart();
    }

    static void say(String what, Callable<String> asked) {
        String said;
        try {
            said = asked.call();
        } catch (BaseServerResponseException error) {
            IBaseOperationOutcome outcome = error.getOperationOutcome();
            said = " " + error.getStatusCode() + " " + error.getClass().getSimpleName() + " " + reason(outcome);
        } catch (Exception error) {
            said = " " + error;
        }
        System.out.println(what + said);
    }

    static String reason(IBaseOperationOutcome outcome) {
        if (outcome instanceof org.hl7.fhir.r4.model.OperationOutcome told) {
            return told.getIssueFirstRep().getDetails().getCodingFirstRep().getCode();
        }
        if (outcome instanceof org.hl7.fhir.r5.model.OperationOutcome told) {
            return told.getIssueFirstRep().getDetails().getCodingFirstRep().getCode();
        }
        return "-";
    }
}
