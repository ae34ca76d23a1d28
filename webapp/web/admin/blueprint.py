"""The administrators' blueprint; its routes are in the files beside this one."""

from flask import Blueprint

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
