#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/bookings/booking_source.hpp"

namespace coach_sms {

namespace {

// The planner settings for the application's statements. The sender's own settings are pinned to
// look rows up by key.
constexpr const char* kOwnPlans[][2] = {
    {"enable_seqscan", "on"},   {"enable_bitmapscan", "on"}, {"enable_hashjoin", "on"},
    {"enable_mergejoin", "on"}, {"plan_cache_mode", "auto"},
};

void set_for_now(const char* name, const char* value) {
  set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

[[noreturn]] void raise_gone() {
  ereport(ERROR, (errcode(kBadBookings), errmsg("the attached bookings are gone"),
                  errdetail("A table or view that sms_attach_bookings() was given was dropped."),
                  errhint("Call sms_attach_bookings() again, or sms_detach_bookings().")));
}

const char* relation_name(Oid relation) {
  const char* name = get_rel_name(relation);
  const char* schema = name == nullptr ? nullptr : get_namespace_name(get_rel_namespace(relation));
  if (schema == nullptr) raise_gone();
  return quote_qualified_identifier(schema, name);
}

Oid relation_owner(Oid relation) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple)) raise_gone();
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

// Raises SM021 for a view whose owner is a lesser role than `reader`. Functions in a view run as
// the role that reads it. So that owner's code would run with the rights of the bookings' owner.
void refuse_others_view(Oid relation, Oid reader) {
  if (get_rel_relkind(relation) != RELKIND_VIEW) return;
  const Oid owner = relation_owner(relation);
  if (superuser_arg(owner) || has_privs_of_role(owner, reader)) return;
  ereport(
      ERROR,
      (errcode(kBadBookings),
       errmsg("view %s belongs to %s, whose code would run with the rights of %s",
              relation_name(relation), GetUserNameFromId(owner, false),
              GetUserNameFromId(reader, false)),
       errdetail("Bookings, clients and orgs are read as the owner of the bookings."),
       errhint("Let a superuser or the owner of the bookings own the view, or attach a table.")));
}

Oid oid_column(int column) {
  bool is_null;
  return DatumGetObjectId(datum_column(0, column, &is_null));
}

Datum words_column(int column) {
  bool is_null;
  return PointerGetDatum(PG_DETOAST_DATUM_COPY(datum_column(0, column, &is_null)));
}

const char* name_column(int column) {
  const char* name = text_column(0, column);
  return name == nullptr ? nullptr : quote_identifier(name);
}

}  // namespace

bool read_booking_source(BookingSource* source) {
  static Statement read{R"sql(
      SELECT bookings::oid, clients::oid, orgs::oid,
             ARRAY(SELECT jsonb_array_elements_text(mapping #> '{status,confirmed}')),
             ARRAY(SELECT jsonb_array_elements_text(mapping #> '{status,completed}')),
             b->>'id', b->>'org_id', b->>'client_id', b->>'start_time', b->>'end_time',
             b->>'status', b->>'location_details', b->>'reminder_sent', b->>'feedback_sent',
             c->>'id', c->>'org_id', c->>'full_name', c->>'phone', o->>'id', o->>'name',
             c->>'first_name'
        FROM @extschema@.sms_bookings_source,
             LATERAL (SELECT mapping->'bookings', mapping->'clients', mapping->'orgs')
               AS m (b, c, o))sql",
                        {}};
  if (read.run() == 0) return false;
  source->bookings = oid_column(1);
  const Oid clients = oid_column(2);
  const Oid orgs = oid_column(3);
  source->confirmed = words_column(4);
  source->completed = words_column(5);
  const char** const names[] = {&source->id,         &source->org_id,        &source->client_id,
                                &source->start_time, &source->end_time,      &source->status,
                                &source->location,   &source->reminder_sent, &source->feedback_sent,
                                &source->client_key, &source->client_org,    &source->full_name,
                                &source->phone,      &source->org_key,       &source->org_name,
                                &source->first_name};
  int column = 6;
  for (const char** name : names)
    *name = name_column(column++);
  source->owner = relation_owner(source->bookings);
  refuse_others_view(clients, source->owner);
  refuse_others_view(orgs, source->owner);
  source->bookings_name = relation_name(source->bookings);
  source->clients_name = relation_name(clients);
  source->orgs_name = relation_name(orgs);
  const char* schema = get_namespace_name(get_rel_namespace(source->bookings));
  if (schema == nullptr) raise_gone();
  source->schema = quote_identifier(schema);
  return true;
}

SecurityContext act_as_bookings_owner(const BookingSource& source) {
  SecurityContext caller;
  GetUserIdAndSecContext(&caller.user, &caller.context);
  caller.settings_level = NewGUCNestLevel();
  for (const auto& setting : kOwnPlans)
    set_for_now(setting[0], setting[1]);
  // A policy that hides rows would make bookings look cancelled. With row_security off, PostgreSQL
  // raises an error instead.
  set_for_now("row_security", "off");
  set_for_now("search_path", psprintf("pg_catalog, %s, pg_temp", source.schema));
  SetUserIdAndSecContext(
      source.owner, caller.context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
  return caller;
}

}  // namespace coach_sms
